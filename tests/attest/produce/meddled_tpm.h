// A TPM whose registers change while they are read: another program's commands come in between.
#pragma once

#include <bit>
#include <cstring>

#include "tests/support/swtpm.h"

namespace cloister::attest::test {

// Stands between a client and a swtpm.
class MeddledTpm {
 public:
  // Extends PCR 16 before each of the first `times` commands that read registers.
  MeddledTpm(const cloister::test::Swtpm& tpm, int times)
      : tpm_(tpm), times_(times), listener_(unix_socket()) {
    const fs::path path = folder_ / "tpm";
    fs::create_symlink(tpm.folder() / "tpm.ctrl", folder_ / "tpm.ctrl");
    const sockaddr_un address = address_of(path);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_, 1) != 0) {
      throw std::runtime_error("can't listen at " + path.string());
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~MeddledTpm() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string tcti() const { return "swtpm:path=" + (folder_ / "tpm").string(); }

 private:
  static int unix_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

  static sockaddr_un address_of(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
    return address;
  }

  // A command or a response: a tag of two bytes, the size of all in four, then the rest; "" at the
  // end.
  static std::string receive(int fd) {
    std::string message(10, '\0');
    if (::recv(fd, message.data(), 10, MSG_WAITALL) != 10) return "";
    const size_t size = number(message, 2);
    message.resize(size);
    if (size == 10) return message;  // recv would wait for no bytes
    const auto rest = static_cast<ssize_t>(size - 10);
    return ::recv(fd, message.data() + 10, size - 10, MSG_WAITALL) == rest ? message : "";
  }

  static uint32_t number(const std::string& message, size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, message.data() + at, sizeof(value));
    return std::byteswap(value);
  }

  static std::string ask(int fd, const std::string& command) {
    ::send(fd, command.data(), command.size(), MSG_NOSIGNAL);
    return receive(fd);
  }

  static std::string extend_command() {
    // TPM2_PCR_Extend: PCR 16, the empty password, one SHA-256 digest.
    constexpr std::string_view kHead(
        "\x80\x02\0\0\0\x41\0\0\x01\x82\0\0\0\x10\0\0\0\x09\x40\0\0\x09\0\0\0\0\0\0\0\0\x01\0\x0b",
        33);
    return std::string(kHead) + std::string(32, 'x');
  }

  void serve() {
    for (int client = 0; (client = ::accept(listener_, nullptr, nullptr)) >= 0;) {
      const int tpm = unix_socket();
      const sockaddr_un address = address_of(tpm_.folder() / "tpm");
      EXPECT_EQ(::connect(tpm, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
      pass_on(client, tpm);
      ::close(tpm);
      ::close(client);
    }
  }

  void pass_on(int client, int tpm) {
    constexpr uint32_t kPcrRead = 0x17e;
    for (std::string command; !(command = receive(client)).empty();) {
      if (number(command, 6) == kPcrRead && times_-- > 0) {
        EXPECT_EQ(number(ask(tpm, extend_command()), 6), 0U);
      }
      const std::string response = ask(tpm, command);
      ::send(client, response.data(), response.size(), MSG_NOSIGNAL);
    }
  }

  const cloister::test::Swtpm& tpm_;
  int times_;
  cloister::test::TempDir folder_;
  int listener_;
  std::thread thread_;
};

}  // namespace cloister::attest::test
