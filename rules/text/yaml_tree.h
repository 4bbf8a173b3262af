#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/text/text_error.h"

namespace sluice {

/// A strictly read YAML document: what yaml-cpp's own nodes lose (duplicate keys, tags, anchors, the place of keys) is
/// an error or kept.
struct YamlNode {
  enum class Kind : std::uint8_t { Null, Scalar, Sequence, Map };
  Kind kind = Kind::Null;
  std::uint32_t line = 0, column = 0;  ///< from 1; columns in bytes
  std::string text;                    ///< of a scalar
  std::vector<YamlNode> items;         ///< of a sequence; of a map, its values
  std::vector<YamlNode> keys;          ///< of a map, in the order of the file: keys[i] names items[i]

  /// Value of a map's key, or nullptr.
  [[nodiscard]] const YamlNode* find(std::string_view key) const noexcept;
};

inline constexpr std::size_t kMaxYamlBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxYamlDepth = 16;

/// Reads one document. Errors, all that can be told apart: bytes that are not UTF-8, control characters, syntax,
/// duplicate or non-scalar keys, anchors, aliases, tags, directives, several documents, an empty file, over 16 MiB,
/// nested deeper than 16. Where `errors` got anything, the node is not to be used.
[[nodiscard]] YamlNode read_yaml(std::string_view text, std::vector<TextError>& errors);

}  // namespace sluice
