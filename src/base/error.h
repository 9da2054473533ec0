// Errors as values. Every fallible function of Cloister returns Result<T>; exceptions thrown by a
// library are caught at the call and become an Error.
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <utility>

namespace cloister {

// What a caller can do about it; the message is for people.
enum class Kind {
  kInvalid,      // malformed or inconsistent input: a model, an array file, a tensor
  kUsage,        // the command line asks for something impossible
  kNotFound,     // a named file or thing does not exist
  kUnsupported,  // well-formed, but this build or runtime can't do it
  kIo,           // the operating system refused a read or a write
  kRefused,      // a safety or trust policy says no
  kUnavailable,  // not now: too busy, no worker, shutting down; may be retried
  kDeadline,     // took longer than was allowed
  kInternal,     // a bug in Cloister
};

struct Error {
  Kind kind;
  std::string message;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// Exit code of a program that ends with this kind of error: 1 failed, 2 usage, 3 refused.
int exit_code(Kind kind);

template <typename... Args>
std::unexpected<Error> fail(Kind kind, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{kind, fmt::format(format, std::forward<Args>(args)...)});
}

template <typename... Args>
std::unexpected<Error> invalid(fmt::format_string<Args...> format, Args&&... args) {
  return fail(Kind::kInvalid, format, std::forward<Args>(args)...);
}

// The same error with `context: ` before its message; used where an error crosses a folder.
std::unexpected<Error> with_context(Error error, const std::string& context);

// Text from a file or a peer made safe to print: controls and invalid UTF-8 become \xNN, and
// anything past `max_length` bytes becomes "...".
std::string printable(std::string_view text, size_t max_length = 120);

}  // namespace cloister

// TRY(name, expression): the value of a Result as `name`, or return its error from this function.
#define TRY(name, ...)                                                          \
  auto name##_result = (__VA_ARGS__);                                           \
  if (!name##_result) return std::unexpected(std::move(name##_result).error()); \
  [[maybe_unused]] auto& name = *name##_result

// TRY_OK(expression): return the error of a Result, if it is one; its value is dropped.
#define TRY_OK(...)                                       \
  if (auto try_ok_result = (__VA_ARGS__); !try_ok_result) \
  return std::unexpected(std::move(try_ok_result).error())
