#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "audit/record_fields.h"

namespace cloister::audit {
namespace {

using Json = nlohmann::ordered_json;

class RecordWriter {
 public:
  static constexpr bool kReads = false;

  template <typename T>
  static Json json_of(const T& value) {
    RecordWriter writer;
    fields(writer, value);
    return std::move(writer.json_);
  }

  void schema(const char* key, std::string_view word) { json_[key] = word; }
  void text(const char* key, const std::string& value, size_t) { json_[key] = value; }
  void text_or_null(const char* key, const std::string& value, size_t) {
    json_[key] = value.empty() ? Json() : Json(value);
  }
  void choice(const char* key, const std::string& value, std::initializer_list<std::string_view>) {
    json_[key] = value;
  }
  void texts(const char* key, const std::vector<std::string>& values, size_t, size_t) {
    array(key) = values;
  }
  void digest(const char* key, const std::string& value) { json_[key] = value; }
  void picture(const char* key, const std::string& value) { json_[key] = value; }
  void metric(const char* key, Metric value) { json_[key] = word(value); }
  void statistic(const char* key, Statistic value) { json_[key] = word(value); }
  void outcome(const char* key, Outcome value) { json_[key] = word(value); }
  void dtype(const char* key, DType value) { json_[key] = dtype_name(value); }
  void shape(const char* key, const Shape& value) { array(key) = value; }
  void flag(const char* key, bool value) { json_[key] = value; }

  template <typename T>
  void integer(const char* key, T value, uint64_t, uint64_t) {
    json_[key] = value;
  }
  void real(const char* key, double value, double, double) { json_[key] = value; }
  void real_or_null(const char* key, double value, double, double) {
    json_[key] = std::isfinite(value) ? Json(value) : Json();
  }
  void optional(const char* key, const std::optional<double>& value, double, double) {
    json_[key] = value ? Json(*value) : Json();
  }
  template <typename T>
  void optional(const char* key, const std::optional<T>& value) {
    json_[key] = value ? json_of(*value) : Json();
  }
  template <typename T>
  void object(const char* key, const T& value) {
    json_[key] = json_of(value);
  }
  template <typename T>
  void list(const char* key, const std::vector<T>& values, size_t) {
    Json& out = array(key);
    for (const T& value : values) out.push_back(json_of(value));
  }
  void positions(const char* key, const std::vector<size_t>& values, size_t) {
    json_[key] = values.empty() ? Json() : Json(values);
  }
  void scores(const char* key, const std::vector<MetricScores>& values, size_t) {
    Json& out = json_[key] = Json::object();
    for (const MetricScores& scores : values) out[std::string(word(scores.metric))] = scores.values;
  }
  void numbers(const char* key, const std::vector<std::pair<std::string, double>>& values, size_t) {
    Json& out = json_[key] = Json::object();
    for (const auto& [name, value] : values) out[name] = value;
  }
  void splits(const char* key, const std::string& value) {
    Json parsed = Json::parse(value, nullptr, false);
    json_[key] = parsed.is_discarded() ? Json() : std::move(parsed);
  }

 private:
  Json& array(const char* key) { return json_[key] = Json::array(); }

  Json json_ = Json::object();
};

// What is short goes on one line, and so do arrays of plain values however long: one score an
// input must not be one line an input.
class Layout {
 public:
  std::string text(const Json& json) {
    put(json, 0);
    out_ += '\n';
    return std::move(out_);
  }

 private:
  static constexpr size_t kWidth = 100;

  static bool holds_containers(const Json& json) {
    return std::ranges::any_of(json, [](const Json& item) { return item.is_structured(); });
  }

  void put(const Json& json, size_t depth) {
    if (!json.is_structured()) return put_value(json);
    if (json.empty() || (json.is_array() && !holds_containers(json))) return put_line(json);
    if (may_be_short(json)) {
      const size_t start = out_.size();
      put_line(json);
      if (out_.size() - start + 2 * depth <= kWidth) return;
      out_.resize(start);
    }
    const std::string indent(2 * depth + 2, ' ');
    out_ += json.is_array() ? '[' : '{';
    bool first = true;
    for (const auto& [key, item] : json.items()) {
      out_ += first ? "\n" : ",\n";
      first = false;
      out_ += indent;
      if (json.is_object()) put_key(key);
      put(item, depth + 1);
    }
    out_ += '\n';
    out_.append(2 * depth, ' ');
    out_ += json.is_array() ? ']' : '}';
  }

  // A cheap first look, so that no long record is laid out at every depth.
  static bool may_be_short(const Json& json) {
    return json.size() <= 10 && std::ranges::all_of(json, [](const Json& item) {
             return !item.is_structured() || (item.size() <= 4 && !holds_containers(item));
           });
  }

  void put_line(const Json& json) {
    if (!json.is_structured()) return put_value(json);
    const char* separator = "";
    out_ += json.is_array() ? '[' : '{';
    if (json.is_array()) {
      for (const Json& item : json) {
        out_ += std::exchange(separator, ", ");
        put_line(item);
      }
    } else {
      for (const auto& [key, item] : json.items()) {
        out_ += std::exchange(separator, ", ");
        put_key(key);
        put_line(item);
      }
    }
    out_ += json.is_array() ? ']' : '}';
  }

  void put_key(const std::string& key) {
    put_value(Json(key));
    out_ += ": ";
  }

  void put_value(const Json& json) {
    if (!json.is_number_float()) {
      out_ += json.dump(-1, ' ', false, Json::error_handler_t::replace);
      return;
    }
    const double value = json.get<double>();
    if (!std::isfinite(value)) {
      out_ += "null";
      return;
    }
    char buffer[32];
    // + 0.0 takes the sign off a zero, which would be read as a whole number without one.
    const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value + 0.0).ptr;
    out_.append(buffer, end);
  }

  std::string out_;
};

}  // namespace

std::string record_json(const AuditRecord& record) {
  return Layout().text(RecordWriter::json_of(record));
}

}  // namespace cloister::audit
