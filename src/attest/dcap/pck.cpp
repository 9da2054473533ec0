#include "attest/dcap/pck.h"

#include <map>

#include "attest/der.h"

namespace cloister::attest {
namespace {

constexpr const char* kSgxExtension = "1.2.840.113741.1.13.1";
constexpr std::string_view kOidPrefix = "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01";
constexpr size_t kMostMembers = 32;

// What follows the prefix of an OID ("\x02\x05"), and the element after it.
using Members = std::map<std::string, Bytes>;

// SEQUENCE OF SEQUENCE { OID, ANY }
Result<Members> members(Bytes content) {
  Members found;
  DerReader in(content);
  while (in.left() != 0) {
    TRY(pair, in.element(kDerSequence));
    DerReader inner(pair);
    TRY(oid, inner.element(kDerOid));
    if (!as_text(oid).starts_with(kOidPrefix)) return invalid("an OID that is not Intel's");
    const Bytes value = pair.last(inner.left());
    const bool added = found.emplace(as_text(oid).substr(kOidPrefix.size()), value).second;
    if (!added) return invalid("a member occurs twice");
    if (found.size() > kMostMembers) return invalid("more than {} members", kMostMembers);
  }
  return found;
}

Result<Bytes> member(const Members& all, const std::string& oid, std::string_view name) {
  const auto found = all.find(oid);
  if (found == all.end()) return invalid("no {}", name);
  return found->second;
}

template <size_t N>
Result<> read_octets(Bytes element, Fixed<N>& out, std::string_view name) {
  TRY(octets, sole_element(element, kDerOctets));
  if (octets.size() != N) return invalid("{} of {} bytes, want {}", name, octets.size(), N);
  std::memcpy(out.bytes.data(), octets.data(), N);
  return {};
}

template <size_t N>
Result<> read_octets(const Members& all, const std::string& oid, Fixed<N>& out,
                     std::string_view name) {
  TRY(element, member(all, oid, name));
  return read_octets(element, out, name);
}

Result<uint64_t> read_number(const Members& all, const std::string& oid, std::string_view name,
                             uint64_t most) {
  TRY(element, member(all, oid, name));
  TRY(number, sole_number(element));
  if (number > most) return invalid("{}: {}, want at most {}", name, number, most);
  return number;
}

Result<PckExtension> parse(Bytes bytes) {
  TRY(content, sole_element(bytes, kDerSequence));
  TRY(all, members(content));
  PckExtension pck;
  TRY_OK(read_octets(all, "\x01", pck.ppid, "PPID"));
  TRY_OK(read_octets(all, "\x03", pck.pce_id, "PCEID"));
  TRY_OK(read_octets(all, "\x04", pck.fmspc, "FMSPC"));
  TRY(type, member(all, "\x05", "SGX type"));
  TRY(sgx_type, sole_number(type, kDerEnumerated));
  pck.sgx_type = sgx_type;
  if (all.contains("\x06")) {
    TRY_OK(read_octets(all, "\x06", pck.platform_instance.emplace(), "platform instance"));
  }
  TRY(tcb, member(all, "\x02", "TCB"));
  TRY(tcb_content, sole_element(tcb, kDerSequence));
  TRY(svns, members(tcb_content));
  for (size_t i = 0; i < pck.svns.size(); ++i) {
    const std::string oid = {'\x02', static_cast<char>(i + 1)};
    TRY(svn, read_number(svns, oid, fmt::format("SVN {}", i + 1), 255));
    pck.svns[i] = static_cast<uint8_t>(svn);
  }
  TRY(pce_svn, read_number(svns, "\x02\x11", "PCESVN", UINT16_MAX));
  pck.pce_svn = static_cast<uint16_t>(pce_svn);
  TRY_OK(read_octets(svns, "\x02\x12", pck.cpu_svn, "CPUSVN"));
  return pck;
}

}  // namespace

Result<PckExtension> pck_extension(const X509* certificate) {
  TRY(found, extension(certificate, kSgxExtension));
  if (!found) return invalid("no SGX extension {}", kSgxExtension);
  auto parsed = parse(*found);
  if (!parsed) return with_context(parsed.error(), "SGX extension");
  return parsed;
}

}  // namespace cloister::attest
