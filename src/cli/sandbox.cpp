#include "cli/sandbox.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/descriptor.h"
#include "base/log.h"
#include "base/words.h"

namespace cloister {
namespace {

constexpr Word<SandboxMode> kModes[] = {
    {SandboxMode::kAuto, "auto"}, {SandboxMode::kRequired, "require"}, {SandboxMode::kOff, "off"}};

// --- files: Landlock. Rights that kernels got later than Debian's headers.
constexpr uint64_t kTruncate = 1ULL << 14;        // version 3
constexpr uint64_t kDeviceCommands = 1ULL << 15;  // version 5

constexpr uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE | kDeviceCommands;
constexpr uint64_t kRead = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kWriteFile = kReadFile | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
constexpr uint64_t kWrite = kRead | kWriteFile | LANDLOCK_ACCESS_FS_MAKE_REG |
                            LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                            LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER;

// Whatever a server does may need: libraries that are loaded late (name resolution), authorities,
// time zones, the kernel's view of processors and of this process.
constexpr const char* kSystemReads[] = {"/etc",
                                        "/usr/lib",
                                        "/usr/lib64",
                                        "/lib",
                                        "/lib64",
                                        "/usr/share",
                                        "/usr/local/lib",
                                        "/run/NetworkManager",
                                        "/run/resolvconf",
                                        "/run/systemd/resolve",
                                        "/usr/local/share",
                                        "/proc/self",
                                        "/proc/cpuinfo",
                                        "/proc/meminfo",
                                        "/proc/stat",
                                        "/proc/sys/kernel",
                                        "/sys/devices",
                                        "/sys/fs/cgroup",
                                        "/dev/urandom",
                                        "/dev/random"};
constexpr const char* kSystemWrites[] = {"/dev/null"};

int landlock_version() {
  return static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

uint64_t rights_of(int version) {
  uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // the 13 of version 1
  if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kDeviceCommands;
  return rights;
}

Error failed(std::string_view what) {
  return {Kind::kUnavailable, fmt::format("{}: {}", what, std::strerror(errno))};
}

class FileRules {
 public:
  static Result<FileRules> make() {
    const int version = landlock_version();
    if (version < 1) return std::unexpected(failed("Landlock"));
    landlock_ruleset_attr all{};
    all.handled_access_fs = rights_of(version);
    Descriptor rules(static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &all, sizeof(all.handled_access_fs), 0)));
    if (rules.get() < 0) return std::unexpected(failed("Landlock"));
    return FileRules(std::move(rules), all.handled_access_fs);
  }

  Result<> allow(const fs::path& path, uint64_t of_file, uint64_t of_folder) {
    const Descriptor opened(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat found {};
    if (opened.get() < 0 || ::fstat(opened.get(), &found) != 0) return {};  // it is not there
    landlock_path_beneath_attr rule{};
    rule.allowed_access = (S_ISDIR(found.st_mode) ? of_folder : of_file) & handled_;
    rule.parent_fd = opened.get();
    if (::syscall(SYS_landlock_add_rule, rules_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) {
      return {};
    }
    return std::unexpected(failed(printable(path.string(), 400)));
  }

  Result<> enforce() {
    if (::syscall(SYS_landlock_restrict_self, rules_.get(), 0) == 0) return {};
    return std::unexpected(failed("Landlock"));
  }

 private:
  FileRules(Descriptor rules, uint64_t handled) : rules_(std::move(rules)), handled_(handled) {}

  Descriptor rules_;
  uint64_t handled_;
};

Result<> restrict_files(const SandboxNeeds& needs) {
  TRY(rules, FileRules::make());
  for (const char* path : kSystemReads) TRY_OK(rules.allow(path, kReadFile, kRead));
  for (const char* path : kSystemWrites) TRY_OK(rules.allow(path, kWriteFile, kWrite));
  for (const fs::path& path : needs.reads) TRY_OK(rules.allow(path, kReadFile, kRead));
  for (const fs::path& path : needs.writes) TRY_OK(rules.allow(path, kWriteFile, kWrite));
  return rules.enforce();
}

// --- system calls: seccomp. What servers, glibc, OpenSSL and ONNX Runtime use, as seen by strace
// and by reading; all else fails with EPERM.
constexpr int kAllowed[] = {
    // files
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
    SCMP_SYS(pwrite64), SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(close), SCMP_SYS(close_range),
    SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(fcntl), SCMP_SYS(flock),
    SCMP_SYS(ftruncate), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(rename), SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir), SCMP_SYS(fchmod), SCMP_SYS(umask), SCMP_SYS(ioctl), SCMP_SYS(fadvise64),
    SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(pipe), SCMP_SYS(pipe2),
    // waiting
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime), SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(restart_syscall),
    // sockets, of which socket() allows three families
    SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind),
    SCMP_SYS(listen), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), SCMP_SYS(shutdown),
    // memory, but for what is both written and executed
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mlock),
    SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(msync), SCMP_SYS(mincore), SCMP_SYS(membarrier),
    // threads and this process
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address), SCMP_SYS(arch_prctl), SCMP_SYS(gettid), SCMP_SYS(getpid),
    SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(tgkill), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigsuspend), SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min), SCMP_SYS(getcpu), SCMP_SYS(getrandom), SCMP_SYS(uname),
    SCMP_SYS(sysinfo), SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit),
    SCMP_SYS(prctl), SCMP_SYS(getrusage), SCMP_SYS(times)};

struct FreeFilter {
  void operator()(void* filter) const { ::seccomp_release(filter); }
};

Result<> restrict_calls(const SandboxNeeds& needs) {
  const std::unique_ptr<void, FreeFilter> filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return fail(Kind::kUnavailable, "seccomp");
  int wrong = 0;
  const auto rule = [&](uint32_t action, int call, const std::vector<scmp_arg_cmp>& when = {}) {
    const int code = ::seccomp_rule_add_array(filter.get(), action, call,
                                              static_cast<unsigned>(when.size()), when.data());
    if (code != 0 && wrong == 0) wrong = code;
  };
  for (const int call : kAllowed) rule(SCMP_ACT_ALLOW, call);
  if (needs.shared_memory) {
    rule(SCMP_ACT_ALLOW, SCMP_SYS(memfd_create));
    rule(SCMP_ACT_ALLOW, SCMP_SYS(socket),
         {{0, SCMP_CMP_EQ, AF_UNIX, 0}, {1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_SEQPACKET}});
  }
  for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
    rule(SCMP_ACT_ALLOW, SCMP_SYS(socket),
         {{0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family), 0},
          {1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM}});
    rule(SCMP_ACT_ALLOW, SCMP_SYS(socket),
         {{0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family), 0},
          {1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM}});
  }
  // Threads only. The flags of clone3 lie in memory; without it glibc asks clone.
  rule(SCMP_ACT_ALLOW, SCMP_SYS(clone), {{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD}});
  rule(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
  // Libraries are mapped to be executed, but not to be written at the same time.
  for (const scmp_datum_t allowed : {0, PROT_WRITE, PROT_EXEC}) {
    rule(SCMP_ACT_ALLOW, SCMP_SYS(mmap),
         {{2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, allowed}});
  }
  rule(SCMP_ACT_ALLOW, SCMP_SYS(mprotect), {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}});
  if (wrong == 0) wrong = ::seccomp_load(filter.get());
  if (wrong == 0) return {};
  return fail(Kind::kUnavailable, "seccomp: {}", std::strerror(-wrong));
}

// Such a runtime traces its own process, and reads what it likes.
constexpr bool kSanitized = CLOISTER_SANITIZED;

}  // namespace

Result<SandboxMode> parse_sandbox_mode(std::string_view text) {
  TRY(row, find_word(kModes, text, Kind::kUsage, "--sandbox"));
  return row->value;
}

Result<std::vector<std::string>> enter_sandbox(SandboxMode mode, const SandboxNeeds& needs) {
  std::vector<std::string> active;
  if (mode == SandboxMode::kOff || kSanitized) {
    log(LogLevel::kWarn, "no sandbox", {{"why", kSanitized ? "a sanitizer" : "--sandbox off"}});
    return active;
  }
  // Otherwise programs that change users could be made to do what they are not meant to.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return std::unexpected(failed("PR_SET_NO_NEW_PRIVS"));
  }
  const auto note = [&](const char* what, const Result<>& entered) -> Result<> {
    if (entered) {
      active.emplace_back(what);
      return {};
    }
    if (mode == SandboxMode::kRequired) {
      return with_context(entered.error(), fmt::format("--sandbox require: {}", what));
    }
    log(LogLevel::kWarn, "sandbox incomplete",
        {{"missing", what}, {"why", entered.error().message}});
    return {};
  };
  TRY_OK(note("files", restrict_files(needs)));
  TRY_OK(note("calls", restrict_calls(needs)));
  log(LogLevel::kInfo, "sandbox", {{"active", fmt::format("{}", fmt::join(active, " "))}});
  return active;
}

}  // namespace cloister
