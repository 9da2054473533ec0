#include <chrono>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "attest/verify/kinds.h"
#include "base/folder.h"
#include "client/fetch_endorsements.h"
#include "record/json.h"
#include "trust/saved_exchange.h"

namespace cloister {
namespace {

constexpr const char* kEndorsementsFooter =
    R"(Certificates, revocation lists and collateral expire, and servers send them along
with their evidence. This command fetches them into the folder of cloisterd
--endorsements, which is read anew for each piece of evidence. Run it daily by a
timer. It fails, and changes nothing, unless the fetched files chain to the vendor's
root, are in force and belong to this chip and firmware. FILE is what `cloister
verify --save` saved (save again after a firmware update), or the server's bare
report or quote.

It queries AMD's Key Distribution Service or Intel's Provisioning Certification
Service, or, with --amd and --intel, a mirror or a PCCS of your own.

Examples:
  cloister verify https://server:8443 --save shown.json
  cloister endorsements shown.json -o endorsements
  cloister endorsements quote.bin --intel https://pccs:8081 --ca pccs.pem \
    --intel-root-crl https://mirror/IntelSGXRootCA.der -o endorsements

Exit codes: 0 done; 1 failed; 2 usage; 3 the fetched files do not vouch for FILE.)";

constexpr uint64_t kMaxPem = 1 << 20;
constexpr uint64_t kMaxFile = 2 * attest::kMaxExchangeBytes;

constexpr attest::SnpProduct kProducts[] = {attest::SnpProduct::kMilan, attest::SnpProduct::kGenoa,
                                            attest::SnpProduct::kTurin};

struct EndorsementsCommand {
  std::string file;
  std::string out;
  std::string product;
  attest::EndorsementSites sites;
  std::string ca;
  double limit_s = 30;
  bool json = false;
};

Result<attest::Evidence> read_evidence(const std::string& path) {
  TRY(content, read_file(path, kMaxFile));
  if (content.starts_with('{')) {
    TRY(saved, attest::parse_saved_exchange(content));
    return std::move(saved.reply.evidence);
  }
  const Bytes bytes = as_bytes(content);
  TRY(kind, attest::guess_kind(bytes));
  return attest::Evidence{.kind = kind, .report = {bytes.begin(), bytes.end()}, .parts = {}};
}

Result<serving::FetchOptions> fetch_options(const EndorsementsCommand& o) {
  serving::FetchOptions out{.sites = o.sites, .limit = net::Seconds(o.limit_s)};
  for (std::string* site : {&out.sites.amd, &out.sites.intel, &out.sites.intel_root_crl}) {
    while (site->ends_with('/')) site->pop_back();
    TRY_OK(typed(net::parse_url(*site)));
  }
  for (const attest::SnpProduct product : kProducts) {
    if (attest::to_string(product) == o.product) out.product = product;
  }
  if (!o.ca.empty()) {
    TRY(pem, read_file(o.ca, kMaxPem));
    out.client.ca_pem = std::move(pem);
    out.client.trust = net::ClientOptions::Trust::kCaPem;
  }
  if (!o.json) {
    out.on_source = [](const attest::EndorsementSource& source) {
      fmt::print(stderr, "fetching {}\n", printable(source.url(), 400));
    };
  }
  return out;
}

std::string file_name(const std::string& blob) {
  const bool json = blob == attest::kTcbInfo || blob == attest::kQeIdentity;
  const bool chain = blob == attest::kTcbInfoChain || blob == attest::kQeIdentityChain;
  return blob + (json ? ".json" : chain ? ".pem" : ".der");
}

Outcome run_endorsements(const EndorsementsCommand& o) {
  TRY(evidence, read_evidence(o.file));
  TRY(options, fetch_options(o));
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  TRY(fetched, serving::fetch_endorsements(evidence, options, now));
  TRY_OK(make_folder(o.out));
  Json files = Json::array();
  for (const attest::Blob& blob : fetched.blobs) {
    const fs::path path = fs::path(o.out) / file_name(blob.name);
    TRY_OK(write_file(path, as_text(blob.bytes)));
    files.push_back({{"name", blob.name}, {"file", path.string()}, {"bytes", blob.bytes.size()}});
    if (!o.json) fmt::print("{}\n", path.string());
  }
  if (o.json) {
    const Json out{{"kind", attest::to_string(evidence.kind)}, {"files", files}};
    fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
  }
  return 0;
}

}  // namespace

void add_endorsements_command(CLI::App& app, Outcome& outcome) {
  auto options = std::make_shared<EndorsementsCommand>();
  CLI::App* command = app.add_subcommand(
      "endorsements", "Fetch the vendor's certificates and collateral for a server's hardware");
  command->add_option("FILE", options->file, "a saved exchange, or a bare report or quote")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--out", options->out, "output folder, created if missing")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--product", options->product,
                   "milan, genoa or turin, for version 2 reports, which do not name it")
      ->type_name("NAME")
      ->check(CLI::IsMember({"milan", "genoa", "turin"}).description(""));
  command->add_option("--amd", options->sites.amd, "Key Distribution Service")
      ->type_name("URL")
      ->capture_default_str();
  command
      ->add_option("--intel", options->sites.intel,
                   "Provisioning Certification Service, or a cache of it")
      ->type_name("URL")
      ->capture_default_str();
  command
      ->add_option("--intel-root-crl", options->sites.intel_root_crl,
                   "revocation list of Intel's root, DER or PEM (default: from Intel)")
      ->type_name("URL");
  command
      ->add_option("--ca", options->ca,
                   "PEM file of the authority for the site's certificate (default: the system's)")
      ->type_name("FILE");
  command->add_option("--timeout", options->limit_s, "seconds to wait for each download")
      ->type_name("S")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 3600.0));
  command->add_flag("--json", options->json, "print what was written as JSON");
  command->footer(kEndorsementsFooter);
  command->callback([options, &outcome] { outcome = run_endorsements(*options); });
}

}  // namespace cloister
