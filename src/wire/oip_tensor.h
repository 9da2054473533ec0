// The tensors of a request or response: their descriptions in the JSON, and their values there or
// in sections that follow it.
#pragma once

#include "wire/oip_json.h"

namespace cloister::oip {

// A body taken apart. Outlives what is read from it.
struct Payload {
  Bytes json;
  Reader sections{{}};    // what follows the JSON
  bool extended = false;  // kHeaderLengthField was sent
  std::shared_ptr<const void> owner;
};
Result<Payload> split_body(const SharedBytes& body, std::optional<uint64_t> header_length);

// The tensors of `items`, each a `word` ("input"), with all of the sections.
Result<std::vector<NamedTensor>> read_tensors(std::string_view word,
                                              const std::vector<JsonElement>& items,
                                              Payload& payload);

// The member "shape": at most 32 dimensions of at least `least`.
Result<Shape> read_shape(const Members& members, int64_t least);

// The name of an item, which opens the errors of `members` from then on: "input 'x': ".
Result<std::string> read_name(Members& members, std::string_view word);

// Refuses parameters of tensors, sent or asked for, that this implementation must not ignore.
Result<> check_extensions(const std::string& prefix, const Parameters& parameters);

template <typename Item>
std::vector<std::string_view> names_of(const std::vector<Item>& items) {
  std::vector<std::string_view> names;
  for (const Item& item : items) names.push_back(item.name);
  return names;
}

// All names differ, and are such as can be sent.
Result<> check_names(std::string_view word, const std::vector<std::string_view>& names);

// Appends to the JSON, and to the sections if `binary`.
Result<> append_tensor(Message& message, std::string_view word, const NamedTensor& tensor,
                       bool binary);

// When the JSON is complete: aligns the sections, if there are any.
void finish(Message& message);

}  // namespace cloister::oip
