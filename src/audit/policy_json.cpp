#include "audit/policy_json.h"

#include <nlohmann/json.hpp>

#include "audit/record_fields.h"
#include "record/writer.h"

namespace cloister::audit {

void fill_in_policy(Json& record, const char* key) {
  const auto policy = record.find(key);
  if (policy == record.end() || !policy->is_object()) return;
  Metric metric = Metric::kSsim;
  if (const auto found = policy->find("metric"); found != policy->end()) {
    if (!found->is_string()) return;
    if (!from_string(found->get_ref<const std::string&>(), metric)) return;
  }
  Json filled = Json::object();
  RecordWriter writer(filled);
  fields(writer, default_policy(metric));
  filled.update(*policy);
  *policy = std::move(filled);
}

}  // namespace cloister::audit
