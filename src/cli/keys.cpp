#include "cli/keys.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "cli/read_keys.h"

namespace cloister {
namespace {

constexpr uint64_t kMaxKeyFile = 1 << 20;
constexpr size_t kMaxPassword = 1024;

std::string quoted_path(const std::string& path) {
  return fmt::format("'{}'", printable(path, 400));
}

// The terminal without echo, as long as this lives.
class Unseen {
 public:
  explicit Unseen(int terminal) : terminal_(terminal) {
    ::tcgetattr(terminal_, &before_);
    termios unseen = before_;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    unseen.c_lflag |= ECHONL;
    ::tcsetattr(terminal_, TCSAFLUSH, &unseen);
  }
  ~Unseen() { ::tcsetattr(terminal_, TCSAFLUSH, &before_); }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

 private:
  int terminal_;
  termios before_{};
};

}  // namespace

Result<std::vector<age::Recipient>> read_recipients(const std::vector<std::string>& texts,
                                                    const std::vector<std::string>& paths) {
  std::vector<age::Recipient> recipients;
  for (const std::string& text : texts) {
    auto recipient = age::Recipient::parse(text);
    if (!recipient) return fail(Kind::kUsage, "{}", recipient.error().message);
    recipients.push_back(*recipient);
  }
  for (const std::string& path : paths) {
    TRY(file, read_file(path, kMaxKeyFile));
    auto read = age::parse_recipients(file);
    if (!read) return with_context(read.error(), quoted_path(path));
    recipients.insert(recipients.end(), read->begin(), read->end());
  }
  return recipients;
}

Result<SecretBytes> read_password(const fs::path& path) {
  TRY(file, read_secret_file(path));
  std::string_view line = file.text().substr(0, file.text().find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty() || line.size() > kMaxPassword) {
    return invalid("{}: a password of {} bytes, want 1 to {}", quoted_path(path.string()),
                   line.size(), kMaxPassword);
  }
  return SecretBytes(as_bytes(line));
}

Result<SecretBytes> ask_password(const std::string& prompt) {
  const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.get() < 0) {
    return fail(Kind::kUsage,
                "a password is needed, and there is no terminal to type it on: see "
                "--password-file");
  }
  SecretBytes typed(kMaxPassword + 1);
  size_t length = 0;
  {
    const Unseen unseen(terminal.get());
    [[maybe_unused]] const ssize_t shown = ::write(terminal.get(), prompt.data(), prompt.size());
    while (length < typed.bytes().size()) {
      const ssize_t got = ::read(terminal.get(), typed.bytes().data() + length, 1);
      if (got != 1 || typed.bytes()[length] == std::byte{'\n'}) break;
      ++length;
    }
  }
  if (length == 0 || length > kMaxPassword) {
    return fail(Kind::kUsage, "a password of {} bytes, want 1 to {}", length, kMaxPassword);
  }
  return SecretBytes(Bytes(typed.bytes()).first(length));
}

Result<minisign::SecretKey> read_signing_key(const std::string& path,
                                             const std::string& password_file) {
  TRY(file, read_secret_file(path));
  auto key = [&, &file = file]() -> Result<minisign::SecretKey> {
    TRY(locked, minisign::needs_password(file.text()));
    if (!locked) return minisign::open_secret_key(file.text(), nullptr);
    TRY(password, password_file.empty() ? ask_password("Password of the signing key: ")
                                        : read_password(password_file));
    return minisign::open_secret_key(file.text(), &password);
  }();
  if (!key) return with_context(key.error(), quoted_path(path));
  return key;
}

}  // namespace cloister
