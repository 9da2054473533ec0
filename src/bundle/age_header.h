// The text that an age file begins with.
#pragma once

#include "bundle/age_crypto.h"

namespace cloister::age {

// Says for one recipient how it gets the file key.
struct Stanza {
  std::string type;
  std::vector<std::string> arguments;
  std::vector<std::byte> body;
};

struct Header {
  std::vector<Stanza> stanzas;
  Mac mac;
  // What the MAC is of: everything up to and with "---".
  std::string_view authenticated;
  uint64_t bytes = 0;  // of the whole header
};

// `start` is the beginning of a file, as much as there is of it up to kMaxHeaderBytes. kInvalid.
Result<Header> parse_header(std::string_view start);

// The header that gives `file_key` to the recipients.
Result<std::string> make_header(Bytes file_key, const std::vector<Recipient>& recipients);

// Whether the header is as whoever has the file key made it: kInvalid otherwise.
Result<> check_mac(const Header& header, Bytes file_key);

// The file key, the header's MAC checked with it. kRefused when no identity fits.
Result<SecretBytes> file_key(const Header& header, const std::vector<Identity>& identities);

}  // namespace cloister::age
