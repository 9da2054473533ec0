#include "attest/produce/tsm.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <mutex>
#include <thread>

#include "attest/produce/attested_evidence.h"
#include "attest/produce/system_file.h"
#include "base/random.h"

namespace cloister::attest {
namespace {

using std::chrono::milliseconds;

// A quoting service that is busy answers at once, one that is slow after seconds.
constexpr int kReadTries = 5;
constexpr milliseconds kPause{20};  // doubled each time

std::string_view explain_entry(int code) {
  switch (code) {
    case ENOENT:
      return "no configfs-tsm here: Linux 6.7 or later as an SEV-SNP or TDX guest, with configfs "
             "mounted";
    case ENXIO:
      return "no guest driver is loaded: sev-guest or tdx-guest";
    default:
      return "";
  }
}

std::string_view explain_report(int code) {
  switch (code) {
    case EINVAL:
      return "the guest's driver refuses the report data or the privilege level";
    case ENXIO:
      return "the guest's driver was unloaded, or the security processor refused";
    case EFBIG:
      return "the report is larger than the kernel passes on";
    case EBUSY:
    case ETIMEDOUT:
      return "the host's quoting service does not answer";
    case EIO:
      return "the host or the security processor failed";
    default:
      return "";
  }
}

// A folder of our own in which one report is made: configfs fills it, and takes it away whole.
class Entry {
 public:
  static Result<Entry> make(const fs::path& folder) {
    Fixed<8> name;
    TRY_OK(random_bytes(name.bytes));
    fs::path path = folder / ("cloister-" + to_string(name));
    if (::mkdir(path.c_str(), 0700) != 0) {
      return system_error(errno, "make an entry in", folder, explain_entry);
    }
    return Entry(std::move(path));
  }
  ~Entry() {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }
  Entry(Entry&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Entry& operator=(Entry&&) = delete;

  fs::path operator/(const char* name) const { return path_ / name; }

  Result<uint64_t> number(const char* name) const {
    TRY(text, read_system_text(path_ / name));
    uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc{} && stop == end) return value;
    return invalid("{} '{}', want a number", name, printable(text, 40));
  }

 private:
  explicit Entry(fs::path path) : path_(std::move(path)) {}

  fs::path path_;
};

Result<> set_report_data(const Entry& entry, const Fixed<64>& report_data, uint64_t& writes) {
  TRY_OK(write_system_file(entry / "inblob", report_data.view()));
  ++writes;
  return {};
}

// The report is asked for at VMPL 0, the kernel's default, wherever that is allowed. A guest that
// runs below a service module has a floor, and gets reports at that level or further down only: its
// own is the one that tells verifiers most.
Result<> set_privilege_level(const Entry& entry, uint64_t& writes) {
  const auto floor = entry.number("privlevel_floor");
  if (!floor && floor.error().kind == Kind::kNotFound) return {};  // not of SNP, or an older kernel
  if (!floor) return std::unexpected(floor.error());
  if (*floor == 0) return {};
  TRY_OK(write_system_file(entry / "privlevel", as_bytes(fmt::format("{}", *floor))));
  ++writes;
  return {};
}

class Tsm : public Attester {
 public:
  Tsm(fs::path folder, EvidenceKind kind, std::string provider)
      : folder_(std::move(folder)), kind_(kind), provider_(std::move(provider)) {}

  EvidenceKind kind() const override { return kind_; }
  std::string source() const override { return fmt::format("configfs-tsm ({})", provider_); }

  Result<AttestedEvidence> produce(const Fixed<64>& report_data) override {
    // Entries of their own would not disturb each other, but the quoting service takes one at a
    // time.
    const std::lock_guard lock(mutex_);
    milliseconds pause = kPause;
    for (int tries = 1;; ++tries) {
      auto shown = produce_once(report_data);
      if (shown || shown.error().kind != Kind::kUnavailable || tries == kReadTries) return shown;
      std::this_thread::sleep_for(pause);
      pause *= 2;
    }
  }

 private:
  Result<AttestedEvidence> produce_once(const Fixed<64>& report_data) const {
    TRY(entry, Entry::make(folder_));
    TRY(before, entry.number("generation"));
    uint64_t writes = 0;
    TRY_OK(set_report_data(entry, report_data, writes));
    TRY_OK(set_privilege_level(entry, writes));
    TRY(report, read_system_file(entry / "outblob", kMaxEvidenceBytes, explain_report));
    std::vector<std::byte> table;
    if (kind_ == EvidenceKind::kSnp) {
      auto auxblob = read_system_file(entry / "auxblob", kMaxEndorsementBytes, explain_report);
      if (!auxblob && auxblob.error().kind != Kind::kNotFound) {
        return std::unexpected(auxblob.error());
      }
      if (auxblob) table = std::move(*auxblob);
    }
    // Nobody else should know of the entry. Whoever wrote to it may have had the report made over
    // something else.
    TRY(after, entry.number("generation"));
    if (after != before + writes) {
      return fail(Kind::kUnavailable,
                  "generation {} after {} writes to {}: another program wrote to the entry", after,
                  writes, before);
    }
    if (kind_ == EvidenceKind::kSnp) return snp_shown(std::move(report), table, report_data);
    return tdx_shown(std::move(report), report_data);
  }

  const fs::path folder_;
  const EvidenceKind kind_;
  const std::string provider_;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<Attester>> make_tsm(const fs::path& folder) {
  TRY(entry, Entry::make(folder));
  TRY(provider, read_system_text(entry / "provider"));
  if (provider == "sev_guest") {
    return std::make_unique<Tsm>(folder, EvidenceKind::kSnp, provider);
  }
  if (provider == "tdx_guest") {
    return std::make_unique<Tsm>(folder, EvidenceKind::kTdx, provider);
  }
  return fail(Kind::kUnsupported, "provider '{}' in '{}', want sev_guest or tdx_guest",
              printable(provider, 40), printable(folder.string(), 400));
}

}  // namespace cloister::attest
