#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace sluice {

/// A field of an answer, where it is text; empty otherwise. Private to this room.
[[nodiscard]] inline std::string text_or_empty(const simdjson::dom::element& object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

}  // namespace sluice
