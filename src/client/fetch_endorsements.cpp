#include "client/fetch_endorsements.h"

#include <algorithm>

#include "attest/context.h"
#include "attest/dcap/tcb_info.h"
#include "attest/verify/verify.h"
#include "attest/x509.h"

namespace cloister::serving {
namespace {

using attest::Blob;
using attest::EndorsementSource;

// Checks that stand or fall with the endorsements.
constexpr std::string_view kVouching[] = {
    "evidence.form",         "snp.certificates", "snp.chain",        "snp.revocation",
    "snp.certified_tcb",     "snp.chip",         "snp.signature",    "dcap.pck_chain",
    "dcap.revocation",       "dcap.tcb_info",    "dcap.qe_identity", "dcap.tcb_info_date",
    "dcap.qe_identity_date", "dcap.platform"};

// "%41" is "A"; everything else stands for itself.
Result<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    attest::Fixed<1> byte;
    if (!attest::parse_hex(text.substr(i + 1, 2), byte.bytes)) {
      return invalid("'{}' where two hexadecimal digits belong", printable(text.substr(i, 3)));
    }
    out += static_cast<char>(byte.bytes[0]);
    i += 2;
  }
  return out;
}

Result<> check_content(std::string_view blob, Bytes bytes) {
  if (blob == attest::kVek || blob == attest::kIntermediate) {
    return attest::outcome_of(attest::parse_certificate(bytes));
  }
  if (blob == attest::kAmdCrl || blob == attest::kPckCrl || blob == attest::kRootCrl) {
    return attest::outcome_of(attest::parse_crl(bytes));
  }
  if (blob == attest::kTcbInfo) {
    return attest::outcome_of(attest::parse_signed_json(bytes, "tcbInfo"));
  }
  if (blob == attest::kQeIdentity) {
    return attest::outcome_of(attest::parse_signed_json(bytes, "enclaveIdentity"));
  }
  return attest::outcome_of(attest::parse_chain(as_text(bytes)));
}

Result<Blob> checked_blob(std::string_view name, Bytes bytes) {
  TRY_OK(check_content(name, bytes));
  return Blob{std::string(name), {bytes.begin(), bytes.end()}};
}

Result<> check_status(const net::Response& response) {
  if (response.status == 200) return {};
  const std::string* const after = response.fields.find("Retry-After");
  return fail(response.status == 404 ? Kind::kNotFound : Kind::kUnavailable, "status {}{}",
              response.status,
              after == nullptr ? "" : fmt::format(", try again in {} s", printable(*after)));
}

Result<net::Response> download(const EndorsementSource& source, const FetchOptions& options) {
  TRY(site, net::parse_url(source.site));
  net::ClientOptions client = options.client;
  client.max_body_bytes = attest::kMaxEndorsementBytes;
  TRY(connection, net::Connection::open(site, client, options.limit));
  const std::string target = site.path + source.target;
  return connection->exchange({.target = target.empty() ? "/" : target}, {}, options.limit);
}

Result<> fetch(const EndorsementSource& source, const FetchOptions& options,
               std::vector<Blob>& blobs) {
  TRY(response, download(source, options));
  TRY_OK(check_status(response));
  Bytes body = net::body_of(response).bytes;
  std::vector<std::vector<std::byte>> chain;
  if (source.blob == attest::kIntermediate) {
    TRY(certificates, attest::parse_pem(as_text(body), "CERTIFICATE", attest::kMaxChain));
    chain = std::move(certificates);
    body = chain.front();
  }
  TRY(blob, checked_blob(source.blob, body));
  blobs.push_back(std::move(blob));
  if (source.chain_blob.empty()) return {};
  const std::string* const field = response.fields.find(source.chain_field);
  if (field == nullptr) return invalid("no header {}", source.chain_field);
  const auto read = [&]() -> Result<Blob> {
    TRY(pem, percent_decoded(*field));
    return checked_blob(source.chain_blob, as_bytes(pem));
  };
  auto issuers = read();
  if (!issuers) return with_context(issuers.error(), fmt::format("header {}", source.chain_field));
  blobs.push_back(std::move(*issuers));
  return {};
}

// Under no policy at all: what a policy would have to say about the evidence is not the question.
Result<> check_vouches(const attest::Evidence& evidence, const attest::Endorsements& endorsements,
                       Time now, const attest::Roots& roots) {
  const attest::Verdict verdict = attest::verify(evidence, endorsements, {}, {}, now, roots);
  for (const attest::Check& check : verdict.checks) {
    if (check.outcome != attest::Outcome::kFail) continue;
    if (std::ranges::find(kVouching, check.id) == std::end(kVouching)) continue;
    return fail(Kind::kRefused, "the fetched files do not vouch for the evidence: {}",
                attest::failure_text(check));
  }
  return {};
}

}  // namespace

Result<attest::Endorsements> fetch_endorsements(const attest::Evidence& evidence,
                                                const FetchOptions& options, Time now,
                                                const attest::Roots& roots) {
  TRY(sources, attest::endorsement_sources(evidence, options.sites, options.product));
  attest::Endorsements fetched;
  for (const EndorsementSource& source : sources) {
    options.on_source(source);
    if (const auto done = fetch(source, options, fetched.blobs); !done) {
      return with_context(done.error(), printable(source.url(), 400));
    }
  }
  TRY_OK(check_vouches(evidence, fetched, now, roots));
  return fetched;
}

}  // namespace cloister::serving
