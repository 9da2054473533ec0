#include <array>
#include <charconv>
#include <vector>

#include "wire/oip_text.h"

namespace cloister::oip {
namespace {

// RFC 3986, section 2.1
Result<std::string> percent_decoded(std::string_view segment) {
  std::string out;
  for (size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      out += segment[i];
      continue;
    }
    const std::string_view digits = segment.substr(i + 1, 2);
    unsigned value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() < 2 || end != digits.data() + 2) {
      return invalid("target: '%{}', want two hexadecimal digits", printable(digits, 20));
    }
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    out += kPlain.contains(c) ? std::string(1, c)
                              : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (path.starts_with('/') && segments.size() < 8) {
    path.remove_prefix(1);
    segments.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(segments.back().size());
  }
  return segments;
}

// What follows /v2/models/NAME[/versions/VERSION].
std::optional<Action> model_action(const std::vector<std::string_view>& rest) {
  if (rest.empty()) return Action::kModelMetadata;
  if (rest.size() > 1) return std::nullopt;
  if (rest[0] == "ready") return Action::kModelReady;
  if (rest[0] == "stats") return Action::kStatistics;
  if (rest[0] == "infer") return Action::kInfer;
  return std::nullopt;
}

std::optional<Action> server_action(std::string_view path) {
  if (path == "/v2" || path == "/v2/") return Action::kServerMetadata;
  if (path == "/v2/health/live") return Action::kLive;
  if (path == "/v2/health/ready") return Action::kReady;
  if (path == "/v2/models/stats") return Action::kStatistics;  // as Triton has it
  return std::nullopt;
}

Result<std::string> name_of(std::string_view what, std::string_view segment) {
  TRY(name, percent_decoded(segment));
  TRY_OK(check_name("target: ", what, name));
  return std::move(name);
}

Result<Route> route_of(std::string_view path) {
  if (const auto action = server_action(path)) return Route{.action = *action};
  const auto unknown = [&] { return fail(Kind::kNotFound, "no '{}' here", printable(path)); };
  auto segments = segments_of(path);
  if (segments.size() < 3 || segments[0] != "v2" || segments[1] != "models") return unknown();
  Route route;
  const std::string_view model = segments[2];
  segments.erase(segments.begin(), segments.begin() + 3);
  std::optional<std::string_view> version;
  if (segments.size() >= 2 && segments[0] == "versions") {
    version = segments[1];
    segments.erase(segments.begin(), segments.begin() + 2);
  }
  const auto action = model_action(segments);
  if (!action) return unknown();
  route.action = *action;
  TRY(name, name_of("the model's name", model));
  route.model = std::move(name);
  if (version) {
    TRY(text, name_of("the model's version", *version));
    route.version = std::move(text);
  }
  return route;
}

}  // namespace

Result<Route> parse_route(std::string_view method, std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  TRY(route, route_of(path));
  const std::string_view want = route.action == Action::kInfer ? "POST" : "GET";
  if (method != want) {
    return fail(Kind::kUnsupported, "method {} for '{}', want {}", printable(method, 20),
                printable(path), want);
  }
  return std::move(route);
}

std::string route_target(const Route& route) {
  std::string model = "/v2/models/" + percent_encoded(route.model);
  if (!route.version.empty()) model += "/versions/" + percent_encoded(route.version);
  switch (route.action) {
    case Action::kServerMetadata:
      return "/v2";
    case Action::kLive:
      return "/v2/health/live";
    case Action::kReady:
      return "/v2/health/ready";
    case Action::kModelMetadata:
      return model;
    case Action::kModelReady:
      return model + "/ready";
    case Action::kStatistics:
      return route.model.empty() ? "/v2/models/stats" : model + "/stats";
    case Action::kInfer:
      break;
  }
  return model + "/infer";
}

}  // namespace cloister::oip
