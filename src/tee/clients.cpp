#include "tee/clients.h"

#include <strings.h>

#include <algorithm>

#include "base/parse_file.h"
#include "base/sha256.h"
#include "record/reader.h"

namespace cloister::serving {
namespace {

constexpr std::string_view kSchema = "cloister/clients/1";
constexpr uint64_t kMaxBytes = 16 << 20;
constexpr size_t kMaxClients = 100'000;
constexpr double kMaxRate = 1e6;

struct ClientsFile {
  std::vector<Client> clients;
};

template <typename Io>
void fields(Io& io, Of<Io, ClientsFile> r) {
  io.schema("schema", kSchema);
  io.list("clients", r.clients, kMaxClients);
}

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<> check(const Client& client) {
  const std::string who = fmt::format("client '{}'", printable(client.name));
  if (client.token_sha256.empty() && client.certificate_sha256.empty()) {
    return invalid("{}: neither token_sha256 nor certificate_sha256", who);
  }
  for (const std::string& digest : {client.token_sha256, client.certificate_sha256}) {
    if (!digest.empty() && !is_digest(digest)) {
      return invalid("{}: '{}', want a SHA-256: 64 digits of 0-9 and a-f", who, printable(digest));
    }
  }
  return {};
}

}  // namespace

template <typename Io>
void fields(Io& io, Of<Io, Client> r) {
  io.text("name", r.name, kShort);
  io.text_or_null("token_sha256", r.token_sha256, kShort);
  io.text_or_null("certificate_sha256", r.certificate_sha256, kShort);
  io.optional("requests_per_second", r.requests_per_second, 0, kMaxRate);
  io.real("burst", r.burst, 1, kMaxRate);
}

Result<std::vector<Client>> parse_clients(std::string_view json) {
  TRY(file,
      read_json_record<ClientsFile>(json, kSchema, kMaxBytes, RecordReader::Missing::kDefaults));
  std::map<std::string, std::string> seen;  // what is shown -> whose it is
  for (const Client& client : file.clients) {
    TRY_OK(check(client));
    for (const std::string& shown : {client.token_sha256, client.certificate_sha256}) {
      if (shown.empty()) continue;
      if (const auto [other, is_new] = seen.emplace(shown, client.name); !is_new) {
        return invalid("clients '{}' and '{}' have the same token or certificate",
                       printable(other->second), printable(client.name));
      }
    }
  }
  return std::move(file.clients);
}

ClientGate::ClientGate(std::optional<std::vector<Client>> clients) : open_to_all_(!clients) {
  if (!clients) return;
  for (Client& client : *clients) {
    const size_t number = accounts_.size();
    if (!client.token_sha256.empty()) by_token_[client.token_sha256] = number;
    if (!client.certificate_sha256.empty()) by_certificate_[client.certificate_sha256] = number;
    std::optional<TokenBucket> quota;
    if (client.requests_per_second) quota.emplace(*client.requests_per_second, client.burst);
    accounts_.push_back({std::move(client), quota});
  }
}

const ClientGate::Account* ClientGate::find(std::string_view authorization,
                                            const std::string& certificate_sha256) const {
  if (const auto known = by_certificate_.find(certificate_sha256); known != by_certificate_.end()) {
    return &accounts_[known->second];
  }
  constexpr std::string_view kBearer = "Bearer ";
  // The scheme's name is compared without case: RFC 9110, section 11.1.
  if (::strncasecmp(authorization.data(), kBearer.data(),
                    std::min(authorization.size(), kBearer.size())) != 0 ||
      authorization.size() < kBearer.size()) {
    return nullptr;
  }
  // Looked up by its hash, so that the time it takes tells nothing of the tokens that there are.
  const auto known = by_token_.find(to_hex(sha256(as_bytes(authorization.substr(kBearer.size())))));
  return known == by_token_.end() ? nullptr : &accounts_[known->second];
}

ClientGate::Verdict ClientGate::admit(std::string_view authorization,
                                      const std::string& certificate_sha256,
                                      Clock::time_point now) {
  if (open_to_all_) return Verdict::kWelcome;
  const Account* const found = find(authorization, certificate_sha256);
  if (found == nullptr) return Verdict::kUnknown;
  if (!found->quota) return Verdict::kWelcome;
  const std::scoped_lock lock(mutex_);
  Account& account = accounts_[static_cast<size_t>(found - accounts_.data())];
  return account.quota->take(now) ? Verdict::kWelcome : Verdict::kTooMany;
}

}  // namespace cloister::serving
