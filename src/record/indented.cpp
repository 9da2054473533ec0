// Records laid out for people to read (library cloister_record_tools).
#include <nlohmann/json.hpp>

#include "record/writer.h"

namespace cloister {

Result<std::string> with_new_indented_json(const std::function<void(Json&)>& fill) {
  Json json = Json::object();
  fill(json);
  try {
    return json.dump(2) + "\n";
  } catch (const Json::type_error&) {
    return fail(Kind::kUnsupported, "text that is not UTF-8");
  }
}

}  // namespace cloister
