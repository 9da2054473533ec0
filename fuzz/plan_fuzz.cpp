// parse_profile, parse_policy and parse_plan: no input crashes them, what they accept is written
// and read unchanged, and a plan that can be made of a profile and a policy can be read. The input
// is a record of any of the three kinds, or a profile, a zero byte and a policy.
#include <cstdlib>

#include "plan/device.h"
#include "plan/plan.h"

using namespace cloister;

namespace {

template <typename Parse, typename Write>
auto read_back(std::string_view text, const Parse& parse, const Write& write) {
  auto record = parse(text);
  if (!record) return record;
  const std::string written = write(*record);
  const auto again = parse(written);
  if (!again || write(*again) != written) std::abort();
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)plan::parse_roofline(text.substr(0, 200));
  read_back(text, plan::parse_plan, plan::plan_json);
  const size_t end = std::min(text.find('\0'), size);
  auto profile = read_back(text.substr(0, end), profile::parse_profile, profile::profile_json);
  const auto policy = read_back(end < size ? text.substr(end + 1) : text, plan::parse_policy,
                                [](const plan::PlanPolicy& p) { return plan::policy_json(p); });
  if (!profile || profile->cuts.size() > 200) return 0;
  (void)plan::add_device(*profile, "gpu", plan::Roofline{1e12, 1e12, 1e9, 1e-5});
  const auto plan = plan::make_plan({&*profile, nullptr, std::string(64, '0'), ""},
                                    policy.value_or(plan::PlanPolicy{}), "fuzz");
  if (plan && !plan::parse_plan(plan::plan_json(*plan))) std::abort();
  return 0;
}
