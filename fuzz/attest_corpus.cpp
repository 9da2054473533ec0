// attest_corpus FOLDER: writes the seeds of corpus/attest_*, made by vendors of our own.
#include <cstdio>

#include "attest/chain.h"
#include "base/file.h"
#include "fuzz/attest_fuzz.h"
#include "tests/attest/produce/host_table.h"

using namespace cloister;
using namespace cloister::attest;
using namespace cloister::attest::test;

namespace {

fs::path folder;

// The first byte says what the rest is: see each target.
void seed(const std::string& target, const std::string& name, char what, Bytes bytes) {
  const fs::path path = folder / ("attest_" + target);
  fs::create_directories(path);
  const auto written = write_file(path / name, what + std::string(as_text(bytes)));
  if (!written) std::fprintf(stderr, "%s\n", written.error().message.c_str());
}

void snp_seeds() {
  const SnpWorld world(SnpProduct::kTurin);
  Case c = world.make();
  seed("snp", "report", 0, c.evidence.report);
  seed("snp", "unsigned", 1, world.report);
  seed("snp", "milan", 1, SnpWorld(SnpProduct::kMilan).report);
  seed("snp", "vlek", 1, SnpWorld(SnpProduct::kGenoa, true).report);
  seed("snp", "vek", 2, blob(c.endorsements.blobs, kVek));
  seed("snp", "intermediate", 3, blob(c.endorsements.blobs, kIntermediate));
  seed("snp", "crl", 4, blob(c.endorsements.blobs, kAmdCrl));
}

void aux_seeds() {
  const SnpWorld vcek(SnpProduct::kMilan);
  const SnpWorld vlek(SnpProduct::kGenoa, true);
  seed("aux", "vcek", 0, table_of(vcek));
  seed("aux", "vlek", 1, table_of(vlek));
  Case c = vcek.make();
  const std::string text = pem("CERTIFICATE", blob(c.endorsements.blobs, kVek));
  seed("aux", "pem", 0, make_table({{std::string(kVcekGuid), bytes_of(text)}}));
  seed("aux", "empty", 0, make_table({}));
}

void dcap_seeds() {
  const DcapWorld tdx;
  const DcapWorld tdx5(true, 5, true);
  const DcapWorld sgx(false, 3);
  seed("dcap", "tdx4", 0, tdx.make_quote());
  seed("dcap", "tdx5", 0, tdx5.make_quote());
  seed("dcap", "sgx3", 1, sgx.make_quote());
  const auto unsigned_quote = [](const DcapWorld& world) {
    std::vector<std::byte> bytes = world.header;
    put(bytes, world.body);
    return bytes;
  };
  seed("dcap", "td", 2, unsigned_quote(tdx));
  seed("dcap", "enclave", 3, unsigned_quote(sgx));
  Case c = tdx.make();
  const auto quote = tdx.make_quote();
  const std::string_view text = as_text(quote);
  const auto chain = parse_chain(std::string(text.substr(text.find("-----BEGIN"))).c_str());
  if (chain) {
    const auto found = extension(chain->at(0).get(), "1.2.840.113741.1.13.1");
    if (found && *found) seed("dcap", "pck_extension", 4, **found);
  }
  seed("dcap", "pck_crl", 6, blob(c.endorsements.blobs, kPckCrl));
}

void collateral_seeds() {
  const DcapWorld world;
  Case c = world.make();
  seed("collateral", "tcb_info", 0, blob(c.endorsements.blobs, kTcbInfo));
  seed("collateral", "qe_identity", 1, blob(c.endorsements.blobs, kQeIdentity));
  seed("collateral", "tcb_info_object", 2, as_bytes(world.tcb_info.dump()));
  seed("collateral", "qe_identity_object", 3, as_bytes(world.qe_identity.dump()));
  seed("collateral", "chain", 4, blob(c.endorsements.blobs, kTcbInfoChain));
}

void tpm_seeds() {
  Case c = TpmWorld().make();
  seed("tpm", "quote", 0, c.evidence.report);
  seed("tpm", "unsigned", 1, c.evidence.report);
  seed("tpm", "signature", 2, blob(c.evidence.parts, kTpmSignature));
  seed("tpm", "public", 3, blob(c.evidence.parts, kTpmPublic));
  seed("tpm", "pcrs", 4, blob(c.evidence.parts, kTpmPcrs));
  Case rsa = TpmWorld(true).make();
  seed("tpm", "rsa_signature", 2, blob(rsa.evidence.parts, kTpmSignature));
  seed("tpm", "rsa_public", 3, blob(rsa.evidence.parts, kTpmPublic));
}

void azure_seeds() {
  AzureWorld snp(true);
  AzureWorld tdx(false);
  seed("azure", "snp", 0, snp.make().evidence.report);
  seed("azure", "tdx", 1, tdx.make().evidence.report);
  seed("azure", "snp_runtime_data", 2, as_bytes(snp.runtime_data));
  seed("azure", "tdx_runtime_data", 3, as_bytes(tdx.runtime_data));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: attest_corpus FOLDER\n");
    return 2;
  }
  folder = argv[1];
  aux_seeds();
  snp_seeds();
  dcap_seeds();
  collateral_seeds();
  tpm_seeds();
  azure_seeds();
  return 0;
}
