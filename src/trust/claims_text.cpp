#include "trust/claims_text.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "attest/verify/kinds.h"

namespace cloister::attest {
namespace {

// Lines being collected.
class Lines {
 public:
  void add(std::string name, std::string value) {
    lines_.push_back({std::move(name), std::move(value)});
  }
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  void add(std::string name, T value) {
    add(std::move(name), fmt::format("{}", value));
  }
  void flag(std::string name, bool value) { add(std::move(name), value ? "yes" : "no"); }
  void bits(std::string name, uint64_t value) { add(std::move(name), fmt::format("{:#x}", value)); }
  template <size_t N>
  void add(std::string name, const Fixed<N>& value) {
    add(std::move(name), to_string(value));
  }
  // Where there is one.
  template <size_t N>
  void add_set(std::string name, const Fixed<N>& value) {
    if (!value.is_zero()) add(std::move(name), value);
  }

  std::vector<ClaimLine> take() { return std::move(lines_); }

 private:
  std::vector<ClaimLine> lines_;
};

std::string tcb_text(const SnpTcb& tcb, bool has_fmc) {
  return fmt::format("{}bootloader {}, tee {}, snp {}, microcode {}",
                     has_fmc ? fmt::format("fmc {}, ", tcb.fmc) : "", tcb.bootloader, tcb.tee,
                     tcb.snp, tcb.microcode);
}

void add(Lines& out, const SnpClaims& c) {
  const bool has_fmc = c.product == SnpProduct::kTurin;
  out.add("report_version", c.version);
  if (c.product) out.add("product", std::string(to_string(*c.product)));
  out.add("measurement", c.measurement);
  out.add("guest_svn", c.guest_svn);
  out.bits("guest_policy", c.guest_policy);
  out.add("vmpl", c.vmpl);
  out.flag("debug", c.debug);
  out.flag("migration_agent", c.migration_agent);
  out.bits("platform_info", c.platform_info);
  out.add("reported_tcb", tcb_text(c.reported_tcb, has_fmc));
  out.add("committed_tcb", tcb_text(c.committed_tcb, has_fmc));
  out.add("launch_tcb", tcb_text(c.launch_tcb, has_fmc));
  out.add("signing_key", c.signed_by_vlek ? fmt::format("VLEK of {}", printable(c.csp)) : "VCEK");
  out.add_set("host_data", c.host_data);
  out.add_set("id_key_digest", c.id_key_digest);
  out.add_set("author_key_digest", c.author_key_digest);
  out.add_set("chip_id", c.chip_id);
}

void add(Lines& out, const DcapClaims& c) {
  out.add("quote_version", c.quote_version);
  out.add("fmspc", c.fmspc);
  out.add("ppid", c.ppid);
  if (c.platform_instance) out.add("platform_instance", *c.platform_instance);
  if (c.tcb_status) out.add("tcb_status", std::string(to_string(*c.tcb_status)));
  out.add("advisories", c.advisories.empty()
                            ? "none"
                            : printable(fmt::format("{}", fmt::join(c.advisories, ", ")), 2000));
  if (!c.tcb_date.empty()) out.add("tcb_date", printable(c.tcb_date));
  out.add("tcb_evaluation_data_number", c.tcb_evaluation_data_number);
}

void add(Lines& out, const TdxClaims& c) {
  out.add("mrtd", c.mrtd);
  for (size_t i = 0; i < c.rtmr.size(); ++i) out.add(fmt::format("rtmr{}", i), c.rtmr[i]);
  out.bits("td_attributes", c.attributes);
  out.flag("debug", c.debug);
  out.add_set("mr_config_id", c.mr_config_id);
  out.add_set("mr_owner", c.mr_owner);
  out.add_set("mr_owner_config", c.mr_owner_config);
  out.add_set("mr_service_td", c.mr_service_td);
  out.add("tee_tcb_svn", c.tee_tcb_svn);
}

void add(Lines& out, const SgxClaims& c) {
  out.add("mr_enclave", c.mr_enclave);
  out.add("mr_signer", c.mr_signer);
  out.add("isv_prod_id", c.isv_prod_id);
  out.add("isv_svn", c.isv_svn);
  out.bits("attributes", c.attributes);
  out.flag("debug", c.debug);
  out.add_set("config_id", c.config_id);
}

void add(Lines& out, const TpmClaims& c) {
  out.add_set("ak_name", c.ak_name);
  for (const auto& [index, value] : c.pcrs) {
    if (!value.is_zero()) out.add(fmt::format("pcr{}", index), value);
  }
  out.add("tpm_reset_count", c.reset_count);
  out.add("tpm_restart_count", c.restart_count);
}

// "pcr*" stands for all names that begin so.
bool stands_for(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return name == pattern;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

}  // namespace

std::vector<ClaimLine> claim_lines(const Claims& claims) {
  Lines out;
  out.add("kind", std::string(to_string(claims.kind)));
  out.add("protects", std::string(kind_class(claims.kind)));
  if (claims.snp) add(out, *claims.snp);
  if (claims.dcap) add(out, *claims.dcap);
  if (claims.tdx) add(out, *claims.tdx);
  if (claims.sgx) add(out, *claims.sgx);
  if (claims.tpm) add(out, *claims.tpm);
  if (claims.simulated_measurement) out.add("measurement", *claims.simulated_measurement);
  return out.take();
}

std::vector<ClaimLine> identity_lines(const Claims& claims) {
  std::vector<ClaimLine> lines = claim_lines(claims);
  const KindVerifier* const row = find_verifier(claims.kind);
  std::erase_if(lines, [&](const ClaimLine& line) {
    return row == nullptr || std::ranges::none_of(row->identity, [&](std::string_view name) {
             return stands_for(name, line.name);
           });
  });
  return lines;
}

}  // namespace cloister::attest
