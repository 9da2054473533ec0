// Which requests are meant for an endpoint that does not authenticate callers. A web page that the
// user has open reaches it too: under a name that its owner lets point to this machine (DNS
// rebinding), or by a form. Host and Origin, which pages can't choose, give both away.
#pragma once

#include <optional>

#include "net/http.h"
#include "serving/address.h"

namespace cloister::serving {

class HostAllowlist {
 public:
  // Where the endpoint listens, and NAME or NAME:PORT by which it is known besides. kUsage, with
  // the name that is none.
  static Result<HostAllowlist> make(const std::string& listen_host,
                                    const std::vector<std::string>& names);

  // The answer to a request that is not meant for the endpoint on `port`: 421 for the Host of
  // another, 403 for the Origin of another. Its own are where it listens, localhost and loopback
  // addresses, and those names; any address where it listens on all, since rebinding needs a name.
  std::optional<net::Response> refusal(const net::Request& request, uint16_t port) const;

 private:
  bool has(std::string_view authority, uint16_t port) const;
  std::string text(std::string_view before, uint16_t port) const;

  std::vector<Address> own_;  // port 0: that of the endpoint
  bool any_address_ = false;
};

}  // namespace cloister::serving
