// Age files in memory.
#pragma once

#include <algorithm>

#include "bundle/age.h"

namespace cloister::age {

inline Result<std::string> encrypt_text(std::string_view plain,
                                        const std::vector<Recipient>& recipients) {
  std::string file;
  TRY(encryptor, Encryptor::start(recipients, [&](Bytes bytes) -> Result<> {
        file += as_text(bytes);
        return {};
      }));
  TRY_OK(encryptor.write(as_bytes(plain)));
  TRY_OK(encryptor.finish());
  return file;
}

// Gives the file's bytes, which must outlive it.
inline Source source_of(std::string_view file) {
  return [rest = as_bytes(file)](MutableBytes out) mutable -> Result<size_t> {
    const size_t step = std::min(rest.size(), out.size());
    std::ranges::copy(rest.first(step), out.begin());
    rest = rest.subspan(step);
    return step;
  };
}

inline Result<std::string> decrypt_text(std::string_view file,
                                        const std::vector<Identity>& identities) {
  TRY(decryptor, Decryptor::open(source_of(file), identities));
  std::string plain;
  SecretBytes chunk(kChunkBytes);
  while (true) {
    TRY(got, decryptor.next(chunk.bytes()));
    if (got == 0) return plain;
    plain += as_text(chunk.bytes().first(got));
  }
}

}  // namespace cloister::age
