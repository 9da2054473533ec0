// Certificates for tests, made by the openssl program: by other code than what is under test.
#pragma once

#include "net/tls.h"
#include "tests/support/net.h"
#include "tests/support/program.h"

namespace cloister::test {

constexpr const char* kOpenssl = "/usr/bin/openssl";
constexpr const char* kCurl = "/usr/bin/curl";

// A certificate authority in a folder, and what it signs.
class Authority {
 public:
  explicit Authority(const std::string& name = "authority") {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=" + name});
  }

  std::string pem() const { return read("ca.pem"); }
  fs::path file() const { return dir_ / "ca.pem"; }
  fs::path certificate_file(const std::string& name) const { return dir_ / (name + ".pem"); }
  fs::path key_file(const std::string& name) const { return dir_ / (name + ".key"); }

  // `alternatives`: "DNS:localhost,IP:127.0.0.1"; empty for a client.
  net::TlsIdentity sign(const std::string& name, const std::string& alternatives = "") {
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name});
    Arguments sign = {"x509",        "-req",   "-in",    name + ".csr",     "-CA",
                      "ca.pem",      "-CAkey", "ca.key", "-CAcreateserial", "-out",
                      name + ".pem", "-days",  "1"};
    if (!alternatives.empty()) {
      if (!write_file(dir_ / "ext", "subjectAltName=" + alternatives)) throw std::runtime_error("");
      sign.insert(sign.end(), {"-extfile", "ext"});
    }
    openssl(sign);
    return {read(name + ".pem"), read(name + ".key")};
  }

 private:
  std::string read(const std::string& name) const { return value_of(read_file(dir_ / name)); }
  void openssl(const Arguments& arguments) {
    const Finished done = run_program(kOpenssl, arguments, {.folder = dir_.path()});
    if (done.code != 0) throw std::runtime_error("openssl " + arguments[0] + ": " + done.err);
  }

  TempDir dir_;
};

}  // namespace cloister::test
