#include "audit/protocol/work_folder.h"

#include <nlohmann/json.hpp>

#include "tensor/npy.h"

namespace cloister::audit {
namespace {

// Names the first thing that differs.
std::string difference(const std::string& found, const std::string& wanted) {
  const auto a = nlohmann::ordered_json::parse(found, nullptr, false);
  const auto b = nlohmann::ordered_json::parse(wanted, nullptr, false);
  if (!a.is_object() || !b.is_object()) return "it can't be read";
  for (const auto& [key, value] : b.items()) {
    if (a.contains(key) && a.at(key) == value) continue;
    const std::string was = a.contains(key) ? a.at(key).dump() : "nothing";
    return fmt::format("{} was {}, now {}", key, printable(was, 200), printable(value.dump(), 200));
  }
  return "it holds fields that this version does not know";
}

}  // namespace

Result<WorkFolder> WorkFolder::open(const fs::path& folder, const std::string& identity,
                                    bool go_on) {
  std::error_code code;
  fs::create_directories(folder / "jobs", code);
  fs::create_directories(folder / "state", code);
  if (!fs::is_directory(folder / "state", code)) {
    return fail(Kind::kIo, "can't make folder '{}'", printable((folder / "state").string(), 400));
  }
  const fs::path file = folder / "audit.identity.json";
  if (fs::exists(file, code)) {
    TRY(found, read_file(file, 1 << 20));
    if (found != identity) {
      return fail(Kind::kRefused, "'{}' holds another audit's work ({}): use another folder",
                  printable(folder.string(), 400), difference(found, identity));
    }
    if (!go_on) {
      return fail(Kind::kUsage,
                  "'{}' holds this audit's work: continue it with --resume, or use another folder",
                  printable(folder.string(), 400));
    }
  }
  TRY_OK(write_file(file, identity));
  return WorkFolder(folder, identity);
}

std::optional<AuditRecord> WorkFolder::load(const std::string& job) const {
  auto record = read_record(folder_ / "jobs" / (job + ".json"));
  if (!record) return std::nullopt;
  return std::move(*record);
}

Result<> WorkFolder::save(const std::string& job, const AuditRecord& record) const {
  const std::string text = record_json(record);
  // What could not be read again would silently be done again.
  if (const auto read = parse_record(text); !read) {
    return fail(Kind::kInternal, "job {}: {}", job, read.error().message);
  }
  return write_file(folder_ / "jobs" / (job + ".json"), text);
}

fs::path WorkFolder::checkpoint(const std::string& job, const std::string& attacker) const {
  return folder_ / "state" / fmt::format("{}.{}.pt", job, attacker);
}

Result<> WorkFolder::keep(const std::string& job, const std::string& attacker,
                          const at::Tensor& pictures) const {
  const at::Tensor bytes = pictures.clamp(0, 1).mul(255).round().to(at::kByte);
  TRY(tensor, from_torch(bytes));
  return write_npy(folder_ / "state" / fmt::format("{}.{}.npy", job, attacker), tensor.view());
}

std::optional<at::Tensor> WorkFolder::kept(const std::string& job,
                                           const std::string& attacker) const {
  const auto tensor = read_npy(folder_ / "state" / fmt::format("{}.{}.npy", job, attacker));
  if (!tensor || tensor->dtype() != DType::kU8) return std::nullopt;
  auto copy = to_torch(tensor->view());
  if (!copy) return std::nullopt;
  return *copy;
}

void WorkFolder::drop(const std::string& job) const {
  std::error_code code;
  fs::remove_all(features(job), code);
  for (const auto& entry : fs::directory_iterator(folder_ / "state", code)) {
    if (entry.path().filename().string().starts_with(job + ".")) fs::remove(entry.path(), code);
  }
}

}  // namespace cloister::audit
