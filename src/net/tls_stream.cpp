#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/sha256.h"
#include "net/socket_bio.h"
#include "net/stream.h"

namespace cloister::net {
namespace {

constexpr size_t kRecordBytes = 16 << 10;  // the most that a TLS record holds
// KeyUpdates and the like between two pieces of data. Each costs the receiver as much as the
// sender, and a read would go through any number of them.
constexpr int kMostHandshakeMessages = 32;

using Ssl = std::unique_ptr<SSL, Freed<SSL_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;

int to_openssl(size_t size) {
  return static_cast<int>(std::min<size_t>(size, 1 << 30));
}

class TlsStream final : public Stream {
 public:
  TlsStream(int socket, Ssl ssl, Side side) : socket_(socket), ssl_(std::move(ssl)), side_(side) {
    SSL_set_msg_callback(ssl_.get(), count_message);
    SSL_set_msg_callback_arg(ssl_.get(), this);
  }

  Io handshake() override {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    messages_ = 0;
    return result == 1 ? Io::kDone : judge(result);
  }

  ReadResult read(MutableBytes room) override {
    while (messages_ <= kMostHandshakeMessages) {
      ERR_clear_error();
      const int before = messages_;
      const int got = SSL_read(ssl_.get(), room.data(), to_openssl(room.size()));
      if (got > 0) {
        messages_ = 0;
        return {Io::kDone, static_cast<size_t>(got)};
      }
      // Without SSL_MODE_AUTO_RETRY a read ends after each message, though more may be there.
      const Io io = judge(got);
      if (io != Io::kWantRead || messages_ == before) return {io};
    }
    return {broken("too many handshake messages")};
  }

  Io write(Outgoing& outgoing) override {
    while (!staged_.empty() || !outgoing.empty()) {
      const bool direct = staged_.empty() && outgoing.pieces()[0].size() >= kRecordBytes;
      if (!direct && staged_.empty()) stage(outgoing);
      const Bytes next = direct ? outgoing.pieces()[0] : Bytes(staged_);
      ERR_clear_error();
      const int put = SSL_write(ssl_.get(), next.data(), to_openssl(next.size()));
      if (put <= 0) return judge(put);
      if (direct) {
        outgoing.consume(static_cast<size_t>(put));
      } else {
        staged_.erase(staged_.begin(), staged_.begin() + put);
      }
    }
    BIO* const bio = SSL_get_wbio(ssl_.get());
    if (BIO_flush(bio) == 1) return Io::kDone;
    if (BIO_should_retry(bio)) return Io::kWantWrite;
    return broken("connection lost");
  }

  void end() override {
    ERR_clear_error();
    if (!broken_ && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
    BIO_flush(SSL_get_wbio(ssl_.get()));
    ERR_clear_error();
    ::shutdown(socket_, SHUT_WR);
  }

  SSL* ssl() override { return ssl_.get(); }
  std::string error_text() const override { return error_; }
  bool peer_speaks_plain_http() const override { return plain_http_; }

  Result<std::array<std::byte, 32>> exported_key(std::string_view label,
                                                 Bytes context) const override {
    ERR_clear_error();
    std::array<std::byte, 32> key;
    if (SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(key.data()),
                                   key.size(), label.data(), label.size(),
                                   reinterpret_cast<const unsigned char*>(context.data()),
                                   context.size(), /*use_context=*/1) != 1) {
      return fail(Kind::kInternal, "TLS exporter: {}", openssl_error_text());
    }
    return key;
  }

  Result<std::array<std::byte, 32>> server_key_sha256() const override {
    const X509* const certificate = side_ == Side::kServer ? SSL_get_certificate(ssl_.get())
                                                           : SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr) return fail(Kind::kInternal, "no server certificate");
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) return fail(Kind::kInternal, "server key: {}", openssl_error_text());
    const Digest digest = sha256({reinterpret_cast<const std::byte*>(der), size_t(size)});
    OPENSSL_free(der);
    return digest;
  }

  std::string client_certificate_sha256() const override {
    const X509* const certificate = side_ == Side::kServer ? SSL_get0_peer_certificate(ssl_.get())
                                                           : SSL_get_certificate(ssl_.get());
    unsigned char* der = nullptr;
    const int size = certificate == nullptr ? 0 : i2d_X509(certificate, &der);
    if (size <= 0) return {};
    const Digest digest = sha256({reinterpret_cast<const std::byte*>(der), size_t(size)});
    OPENSSL_free(der);
    return to_hex(digest);
  }

 private:
  // Small pieces share a record, so that a short answer is one.
  void stage(Outgoing& outgoing) {
    while (!outgoing.empty() && staged_.size() < kRecordBytes) {
      const Bytes piece = outgoing.pieces()[0];
      const Bytes taken = piece.first(std::min(piece.size(), kRecordBytes - staged_.size()));
      staged_.insert(staged_.end(), taken.begin(), taken.end());
      outgoing.consume(taken.size());
    }
  }

  Io broken(std::string text) {
    broken_ = true;
    error_ = std::move(text);
    return Io::kBroken;
  }

  static void count_message(int is_written, int, int type, const void*, size_t, SSL*, void* self) {
    if (is_written == 0 && type == SSL3_RT_HANDSHAKE) ++static_cast<TlsStream*>(self)->messages_;
  }

  Io judge(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return Io::kWantRead;
      case SSL_ERROR_WANT_WRITE:
        return Io::kWantWrite;
      case SSL_ERROR_ZERO_RETURN:
        return Io::kEnd;
      case SSL_ERROR_SSL: {
        const int reason = ERR_GET_REASON(ERR_peek_last_error());
        plain_http_ = reason == SSL_R_HTTP_REQUEST;
        return broken(openssl_error_text());
      }
      default:
        ERR_clear_error();
        return broken("connection lost");
    }
  }

  int socket_;
  Ssl ssl_;
  Side side_;
  int messages_ = 0;  // of handshakes, since there was data
  std::vector<std::byte> staged_;
  std::string error_;
  bool broken_ = false;
  bool plain_http_ = false;
};

}  // namespace

Result<std::unique_ptr<Stream>> Stream::tls(int socket, SSL_CTX* context, Side side) {
  ERR_clear_error();
  Ssl ssl(SSL_new(context));
  BioPtr bio = make_socket_bio(socket);
  if (!ssl || !bio) return fail(Kind::kInternal, "OpenSSL: {}", openssl_error_text());
  SSL_set_bio(ssl.get(), bio.get(), bio.get());
  bio.release();  // NOLINT: `ssl` owns it now
  if (side == Side::kServer) {
    SSL_set_accept_state(ssl.get());
  } else {
    SSL_set_connect_state(ssl.get());
  }
  return std::make_unique<TlsStream>(socket, std::move(ssl), side);
}

}  // namespace cloister::net
