#include "net/tls.h"

#include "net/tls_context.h"
#include "tests/support/patience.h"
#include "tests/support/tls.h"

using namespace cloister;
using namespace cloister::net;
using test::Authority;
using test::expect_error;
using test::Finished;
using test::RawSocket;
using test::run_program;
using test::value_of;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

using Trust = ClientOptions::Trust;
using Key = std::array<std::byte, 32>;

struct Seen {
  Key exported{};
  Key server_key{};
  std::string client_certificate;
};

// A server with TLS that answers with the length of the body, and notes what its channel says.
class TlsServer {
 public:
  explicit TlsServer(ServerOptions options = {}) {
    if (!options.tls) options.tls = value_of(make_tls_identity({"localhost"}, test::now_s()));
    server_ = value_of(Server::start(options, [this](Request request, Respond respond) {
      seen_.exported = value_of(request.channel->exported_key("EXPORTER-test", as_bytes("nonce")));
      seen_.server_key = value_of(request.channel->server_key_sha256());
      seen_.client_certificate = request.channel->client_certificate_sha256();
      respond(text_response(200, "text/plain", std::to_string(request.body.bytes.size())));
    }));
  }
  Server* operator->() { return server_.get(); }
  uint16_t port() const { return server_->port(); }
  const Seen& seen() const { return seen_; }  // after an answer
  Url url(const std::string& host = "127.0.0.1") const {
    return {.tls = true, .host = host, .port = port(), .path = ""};
  }

 private:
  Seen seen_;
  std::unique_ptr<Server> server_;
};

Result<std::unique_ptr<Connection>> open(const Url& url, const ClientOptions& options) {
  return Connection::open(url, options, cloister::test::kPatience);
}

Result<std::string> get(Connection& connection) {
  TRY(response, connection.exchange({}, {}, cloister::test::kPatience));
  return test::text_of(response);
}

bool is_absent(const char* program) {
  return !fs::exists(program);
}

}  // namespace

TEST(Tls, CarriesRequestsBothWays) {
  const TlsServer server;
  const auto connection = value_of(open(server.url(), {.trust = Trust::kCallerChecks}));
  for (const size_t size : {0, 1, 1000, 16'384, 16'385, 3'000'000}) {
    const std::vector<SharedBytes> body = {{},
                                           shared_text(std::string(size / 2, 'a')),
                                           shared_text(std::string(size - size / 2, 'b'))};
    const auto response = connection->exchange({.method = "POST"}, body, cloister::test::kPatience);
    EXPECT_EQ(test::text_of(value_of(response)), std::to_string(size));
  }
}

TEST(Tls, BothEndsExportTheSameKeyAndOnlyOnThisConnection) {
  const TlsServer server;
  const auto first = value_of(open(server.url(), {.trust = Trust::kCallerChecks}));
  const auto exported = [](const Connection& connection, std::string_view label,
                           std::string_view context) {
    return value_of(connection.channel().exported_key(label, as_bytes(context)));
  };
  EXPECT_EQ(value_of(get(*first)), "0");
  const Key key = server.seen().exported;
  EXPECT_EQ(exported(*first, "EXPORTER-test", "nonce"), key);
  EXPECT_NE(exported(*first, "EXPORTER-test", "other"), key);
  EXPECT_NE(exported(*first, "EXPORTER-test", ""), key);
  EXPECT_NE(exported(*first, "EXPORTER-other", "nonce"), key);
  EXPECT_EQ(value_of(first->channel().server_key_sha256()), server.seen().server_key);
  const auto second = value_of(open(server.url(), {.trust = Trust::kCallerChecks}));
  EXPECT_EQ(value_of(get(*second)), "0");
  EXPECT_NE(server.seen().exported, key);
  EXPECT_EQ(exported(*second, "EXPORTER-test", "nonce"), server.seen().exported);
}

TEST(Tls, APlainChannelHasNone) {
  const auto server = value_of(Server::start({}, [](Request request, Respond respond) {
    expect_error(request.channel->exported_key("EXPORTER-test", {}), Kind::kUnsupported, "TLS");
    expect_error(request.channel->server_key_sha256(), Kind::kUnsupported, "TLS");
    EXPECT_EQ(request.channel->client_certificate_sha256(), "");
    respond({});
  }));
  const auto connection = value_of(open({.host = "127.0.0.1", .port = server->port()}, {}));
  EXPECT_EQ(value_of(get(*connection)), "");
}

TEST(Tls, CertificatesOfAnAuthorityAreTrusted) {
  if (is_absent(test::kOpenssl)) GTEST_SKIP() << "no openssl program";
  Authority authority;
  const TlsServer server({.tls = authority.sign("server", "DNS:localhost,IP:127.0.0.1")});
  const ClientOptions trusting = {.trust = Trust::kCaPem, .ca_pem = authority.pem()};
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto connection = value_of(open(server.url(host), trusting));
    EXPECT_EQ(value_of(get(*connection)), "0");
  }
  Authority other("other");
  expect_error(open(server.url(), {.trust = Trust::kCaPem, .ca_pem = other.pem()}), Kind::kRefused,
               "certificate refused");
  expect_error(open(server.url(), {}), Kind::kRefused, "certificate refused");
  const TlsServer misnamed({.tls = authority.sign("misnamed", "DNS:elsewhere,IP:127.0.0.2")});
  expect_error(open(misnamed.url("localhost"), trusting), Kind::kRefused, "mismatch");
  expect_error(open(misnamed.url("127.0.0.1"), trusting), Kind::kRefused, "mismatch");
}

TEST(Tls, CertificatesAreReplacedWhileTheServerRuns) {
  const TlsIdentity first = value_of(make_tls_identity({"127.0.0.1"}, test::now_s()));
  const TlsIdentity second = value_of(make_tls_identity({"127.0.0.1"}, test::now_s()));
  TlsServer server({.tls = first});
  const ClientOptions old = {.trust = Trust::kCaPem, .ca_pem = first.certificate_pem};
  const auto before = value_of(open(server.url(), old));
  EXPECT_EQ(value_of(get(*before)), "0");
  const Key first_key = server.seen().server_key;
  expect_error(server->replace_identity({first.certificate_pem, second.key_pem}), Kind::kInvalid,
               "");
  EXPECT_TRUE(open(server.url(), old)) << "what can't be used changes nothing";

  EXPECT_TRUE(server->replace_identity(second));
  const auto after =
      value_of(open(server.url(), {.trust = Trust::kCaPem, .ca_pem = second.certificate_pem}));
  EXPECT_EQ(value_of(get(*after)), "0");
  EXPECT_NE(server.seen().server_key, first_key);
  EXPECT_EQ(value_of(get(*before)), "0");
  EXPECT_EQ(server.seen().server_key, first_key) << "the connection has the key it had";
  expect_error(open(server.url(), old), Kind::kRefused, "certificate refused");
}

TEST(Tls, ACertificateMayBePinned) {
  const TlsIdentity identity = value_of(make_tls_identity({"127.0.0.1"}, test::now_s()));
  const TlsServer server({.tls = identity});
  const auto connection =
      value_of(open(server.url(), {.trust = Trust::kCaPem, .ca_pem = identity.certificate_pem}));
  EXPECT_EQ(value_of(get(*connection)), "0");
  const TlsIdentity other = value_of(make_tls_identity({"127.0.0.1"}, test::now_s()));
  expect_error(open(server.url(), {.trust = Trust::kCaPem, .ca_pem = other.certificate_pem}),
               Kind::kRefused, "certificate refused");
  // The same for a client.
  const TlsServer insisting(
      {.client_ca_pem = identity.certificate_pem, .require_client_certificate = true});
  const auto known =
      value_of(open(insisting.url(), {.trust = Trust::kCallerChecks, .identity = identity}));
  EXPECT_EQ(value_of(get(*known)), "0");
}

TEST(Tls, ManyConnectionsAtOnce) {
  const TlsIdentity identity = value_of(make_tls_identity({"localhost"}, test::now_s()));
  const auto server =
      value_of(Server::start({.tls = identity, .threads = 2}, [](Request request, Respond respond) {
        Response response;
        response.body = {request.body, request.body};
        respond(std::move(response));
      }));
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      const Url url = {.tls = true, .host = "127.0.0.1", .port = server->port(), .path = ""};
      const auto connection = value_of(open(url, {.trust = Trust::kCallerChecks}));
      std::string body;
      for (int k = 0; k < 20; ++k) {
        body.append(static_cast<size_t>(k) * 1000, static_cast<char>('a' + (i + k) % 26));
        const auto response = value_of(connection->exchange({.method = "POST"}, {shared_text(body)},
                                                            cloister::test::kPatience));
        EXPECT_TRUE(test::text_of(response) == body + body);
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

// Every answer comes whole, or the connection ends before it.
TEST(Tls, DrainUnderLoadBreaksNoAnswer) {
  const TlsIdentity identity = value_of(make_tls_identity({"localhost"}, test::now_s()));
  const auto server =
      value_of(Server::start({.tls = identity, .threads = 2}, [](Request request, Respond respond) {
        respond({.body = {request.body}});
      }));
  const Url url = {.tls = true, .host = "127.0.0.1", .port = server->port(), .path = ""};
  const std::string body(100'000, 'a');
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    auto connection = value_of(open(url, {.trust = Trust::kCallerChecks}));
    clients.emplace_back([&, connection = std::move(connection)] {
      while (connection->is_open()) {
        const auto response = connection->exchange({.method = "POST"}, {shared_text(body)},
                                                   cloister::test::kPatience);
        if (!response) {
          EXPECT_EQ(response.error().kind, Kind::kUnavailable) << response.error().message;
          return;
        }
        EXPECT_TRUE(test::text_of(*response) == body);
        ++answered;
      }
    });
  }
  EXPECT_TRUE(test::eventually([&] { return answered > 20; }));
  server->drain(cloister::test::kPatience);
  EXPECT_EQ(server->connections(), 0U);
  for (std::thread& client : clients) client.join();
}

TEST(Tls, ClientsHaveCertificates) {
  if (is_absent(test::kOpenssl)) GTEST_SKIP() << "no openssl program";
  Authority authority;
  Authority other("other");
  const TlsIdentity client = authority.sign("client");
  const TlsIdentity stranger = other.sign("stranger");
  const auto as = [](const std::optional<TlsIdentity>& identity) {
    return ClientOptions{.trust = Trust::kCallerChecks, .identity = identity};
  };
  // In TLS 1.3 the client's handshake ends before the server judges its certificate.
  const auto ask = [&](const TlsServer& server, const ClientOptions& options) {
    auto connection = open(server.url(), options);
    return connection ? get(**connection) : std::unexpected(connection.error());
  };
  const TlsServer asking({.client_ca_pem = authority.pem()});
  EXPECT_EQ(value_of(ask(asking, as(client))), "0");
  EXPECT_EQ(asking.seen().client_certificate.size(), 64U);
  EXPECT_EQ(value_of(ask(asking, as(std::nullopt))), "0");
  EXPECT_EQ(asking.seen().client_certificate, "");
  expect_error(ask(asking, as(stranger)), Kind::kUnavailable, "unknown ca");
  const TlsServer insisting({.client_ca_pem = authority.pem(), .require_client_certificate = true});
  EXPECT_EQ(value_of(ask(insisting, as(client))), "0");
  expect_error(ask(insisting, as(std::nullopt)), Kind::kUnavailable, "certificate required");
  expect_error(ask(insisting, as(stranger)), Kind::kUnavailable, "unknown ca");
}

TEST(Tls, AgreesWithCurl) {
  if (is_absent(test::kCurl) || is_absent(test::kOpenssl)) GTEST_SKIP() << "no curl or no openssl";
  Authority authority;
  authority.sign("client");
  const TlsServer server({.tls = authority.sign("server", "DNS:localhost,IP:127.0.0.1"),
                          .client_ca_pem = authority.pem(),
                          .require_client_certificate = true});
  const test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "body", std::string(2'000'000, 'x')));
  const std::string url = fmt::format("https://localhost:{}/", server.port());
  // More than a megabyte: curl waits for 100 Continue. Twice, so that the connection is used again.
  const Finished done =
      run_program(test::kCurl,
                  {"--silent", "--show-error", "--verbose", "--cacert", authority.file(), "--cert",
                   authority.certificate_file("client"), "--key", authority.key_file("client"),
                   "--data-binary", "@body", url, url},
                  {.folder = dir.path()});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "20000002000000");
  EXPECT_THAT(done.err, HasSubstr("TLSv1.3"));
  EXPECT_THAT(done.err, HasSubstr("100 Continue"));
  EXPECT_THAT(done.err, HasSubstr("Re-using existing connection"));
}

TEST(Tls, OlderVersionsAreRefused) {
  if (is_absent(test::kOpenssl)) GTEST_SKIP() << "no openssl program";
  const TlsServer server;
  const test::TempDir dir;
  const std::string to = fmt::format("127.0.0.1:{}", server.port());
  const auto ask = [&](const char* version) {
    return run_program(test::kOpenssl, {"s_client", "-connect", to, version},
                       {.folder = dir.path()});
  };
  const Finished old = ask("-tls1_2");
  EXPECT_NE(old.code, 0);
  EXPECT_THAT(old.err, HasSubstr("protocol version"));
  const Finished current = ask("-tls1_3");
  EXPECT_EQ(current.code, 0) << current.err;
  EXPECT_THAT(current.out, HasSubstr("New, TLSv1.3"));
  EXPECT_THAT(current.out, testing::Not(HasSubstr("Post-Handshake New Session Ticket")));
}

TEST(Tls, GroupsThatCostTheServerMoreThanTheClientAreRefused) {
  if (is_absent(test::kOpenssl)) GTEST_SKIP() << "no openssl program";
  const TlsServer server;
  const test::TempDir dir;
  const std::string to = fmt::format("127.0.0.1:{}", server.port());
  const auto ask = [&](const char* group) {
    return run_program(test::kOpenssl, {"s_client", "-connect", to, "-groups", group},
                       {.folder = dir.path()});
  };
  for (const char* group : {"ffdhe2048", "ffdhe8192"}) {
    const Finished refused = ask(group);
    EXPECT_NE(refused.code, 0) << group;
    EXPECT_THAT(refused.err, HasSubstr("handshake failure"));
  }
  for (const char* group : {"X25519", "P-256", "P-384"}) EXPECT_EQ(ask(group).code, 0) << group;
}

namespace {

// Handshake messages after the handshake make the receiver work, and no data comes.
class KeyUpdates : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(SSL_set_fd(ssl_.get(), socket_.get()), 1);
    ASSERT_EQ(SSL_connect(ssl_.get()), 1);
  }
  // Whether they could be sent.
  bool update(int times) {
    for (int i = 0; i < times; ++i) {
      if (SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1) return false;
      if (SSL_do_handshake(ssl_.get()) != 1) return false;
    }
    return true;
  }
  std::string ask() {
    const std::string_view text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    if (SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) <= 0) return "";
    char block[1000];
    const int got = SSL_read(ssl_.get(), block, sizeof(block));
    return got <= 0 ? "" : std::string(block, static_cast<size_t>(got));
  }

  const TlsServer server_;
  RawSocket socket_ = RawSocket::to(server_.port());
  const SslContext context_ = value_of(make_client_context({.trust = Trust::kCallerChecks}));
  const std::unique_ptr<SSL, Freed<SSL_free>> ssl_{SSL_new(context_.get())};
};

TEST_F(KeyUpdates, AreTakenInReason) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(update(10));
    EXPECT_THAT(ask(), StartsWith("HTTP/1.1 200 "));
  }
}

TEST_F(KeyUpdates, WithoutEndEndTheConnection) {
  EXPECT_THAT(ask(), StartsWith("HTTP/1.1 200 "));
  (void)update(100);
  EXPECT_EQ(ask(), "");
}

}  // namespace

TEST(Tls, PlainHttpIsToldSo) {
  const TlsServer server;
  RawSocket socket = RawSocket::to(server.port());
  socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(socket.read_all(),
              testing::AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("this port speaks TLS")));
}

TEST(Tls, GarbageEndsTheConnection) {
  const TlsServer server;
  for (const std::string& bytes :
       {std::string(1000, 'x'), std::string(1000, '\0'),
        std::string("\x16\x03\x01\xff\xff") + std::string(70'000, 'a')}) {
    RawSocket socket = RawSocket::to(server.port());
    socket.send(bytes);
    socket.end();
    (void)socket.read_all();
  }
  const auto connection = value_of(open(server.url(), {.trust = Trust::kCallerChecks}));
  EXPECT_EQ(value_of(get(*connection)), "0");
}

TEST(Tls, SlowHandshakesAreGivenUp) {
  const TlsServer server({.header_timeout = Seconds(0.1)});
  RawSocket socket = RawSocket::to(server.port());
  socket.send("\x16\x03\x01");
  EXPECT_EQ(socket.read_all(), "");
}

TEST(Tls, AClientSaysThatTheServerSpeaksNoTls) {
  const auto server = value_of(Server::start({}, [](Request, Respond respond) { respond({}); }));
  const Url url = {.tls = true, .host = "127.0.0.1", .port = server->port(), .path = ""};
  expect_error(open(url, {.trust = Trust::kCallerChecks}), Kind::kUnavailable, "TLS handshake");
}

TEST(TlsIdentity, IsWhatWasAskedFor) {
  if (is_absent(test::kOpenssl)) GTEST_SKIP() << "no openssl program";
  const TlsIdentity identity =
      value_of(make_tls_identity({"localhost", "*.example.org", "10.0.0.1", "::1"}, 1'700'000'000));
  const test::TempDir dir;
  ASSERT_TRUE(write_file(dir / "c.pem", identity.certificate_pem));
  const Finished shown = run_program(test::kOpenssl, {"x509", "-in", "c.pem", "-noout", "-text"},
                                     {.folder = dir.path()});
  for (const char* part :
       {"DNS:localhost, DNS:*.example.org, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1",
        "Not Before: Nov 14 21:13:20 2023", "Not After : Feb 12 22:13:20 2024", "prime256v1",
        "CA:FALSE", "Digital Signature", "Subject: CN = localhost"}) {
    EXPECT_THAT(shown.out, HasSubstr(part));
  }
  EXPECT_NE(identity.key_pem, value_of(make_tls_identity({"localhost"}, 1'700'000'000)).key_pem);
}

TEST(TlsIdentity, RefusesNamesThatAreNone) {
  for (const char* name : {"", "a,DNS:b", "a b", "a\nb", "a/b", "email:x@y"}) {
    expect_error(make_tls_identity({name}, 0), Kind::kInvalid, "neither a DNS name");
  }
}

TEST(TlsIdentity, MustBeAKeyAndItsCertificate) {
  const TlsIdentity one = value_of(make_tls_identity({"a"}, test::now_s()));
  const TlsIdentity two = value_of(make_tls_identity({"b"}, test::now_s()));
  const auto start = [](const TlsIdentity& identity, const std::string& ca = "") {
    return Server::start({.tls = identity, .client_ca_pem = ca}, [](Request, Respond) {});
  };
  expect_error(start({one.certificate_pem, two.key_pem}), Kind::kInvalid,
               "TLS certificate and key");
  expect_error(start({"", one.key_pem}), Kind::kInvalid, "no certificate");
  expect_error(start({one.certificate_pem, ""}), Kind::kInvalid, "TLS key");
  expect_error(start({one.key_pem, one.key_pem}), Kind::kInvalid, "no certificate");
  expect_error(start(one, "garbage"), Kind::kInvalid, "certificate authorities");
  EXPECT_TRUE(start(one, two.certificate_pem));
}
