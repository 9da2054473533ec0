#include "cli/guard_process.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace cloister {
namespace {

// For OpenSSL's private keys and our small secrets (bundle/secret.h).
constexpr size_t kSecureHeap = 256 << 10;
constexpr size_t kSmallestPiece = 64;
bool secrets_are_locked = false;

}  // namespace

void guard_process() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
  ::umask(077);
  std::vector<char*> kept;  // the strings stay where they are
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("TZ=") || text.starts_with("LC_")) kept.push_back(*entry);
  }
  ::clearenv();
  for (char* const entry : kept) ::putenv(entry);
  ::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  // 2: there is one, but the system did not lock it.
  secrets_are_locked = ::CRYPTO_secure_malloc_init(kSecureHeap, kSmallestPiece) == 1;
}

Result<> need_descriptors(uint64_t connections, uint64_t own) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= connections + own) return {};
  return fail(Kind::kUsage,
              "--max-connections {} needs {} descriptors with the program's own, and the system "
              "allows {}: give fewer, or raise the limit (ulimit -n, LimitNOFILE=)",
              connections, connections + own, limit.rlim_cur);
}

void tell_of_guards() {
  if (!secrets_are_locked) {
    log(LogLevel::kWarn, "keys may be swapped out",
        {{"why",
          fmt::format("{} KiB can't be locked (ulimit -l, LimitMEMLOCK=)", kSecureHeap >> 10)}});
  }
  if (::geteuid() != 0) return;
  log(LogLevel::kWarn, "running as root", {{"why", "it needs none of root's rights"}});
}

}  // namespace cloister
