#include "bench/serve_load/seal.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "bundle/seal.h"

namespace cloister::bench {

Result<> seal_for_bench(const SealFlags& flags) {
  TRY(opened, open_model(flags.model));
  TRY(cut, find_cut(opened.graph, opened.cuts, flags.cut));
  TRY(identity, age::Identity::generate());
  TRY(signer, minisign::generate_key());
  const bundle::SealOptions options{.tool = "serve_load",
                                    .model_name = flags.name,
                                    .max_batch = flags.max_batch,
                                    .model_sha256 = std::string(64, '0'),
                                    .segments = segments_between({cut.id}),
                                    .recipients = {identity.recipient()},
                                    .key = &signer,
                                    .plan = "{}\n"};
  const fs::path folder(flags.folder);
  TRY_OK(bundle::seal(opened.graph, {cut}, options, folder / "m.cloister"));
  TRY_OK(write_file(folder / "key.txt", identity.text().text()));
  fmt::print("{}\n", nlohmann::json{{"cut", cut.id},
                                    {"macs_share", opened.cuts.macs_share(cut)},
                                    {"crosses_bytes", cut.bytes.value_or(0)}}
                         .dump());
  return {};
}

}  // namespace cloister::bench
