#include "rules/text/canonical_json.h"

#include <simdjson.h>

#include <algorithm>

#include "rules/text/json_writer.h"

namespace sluice {
namespace {

constexpr std::int64_t kMaxExact = (std::int64_t{1} << 53) - 1;
constexpr unsigned kMaxDepth = 16;

/// UTF-8 sorts as code points do, and UTF-16 nearly so: surrogates (0xd800 up) stand for what is above 0xffff, so those
/// come before 0xe000 to 0xffff. Lead bytes 0xf0 up are therefore moved below 0xee (0xe000 begins 0xee 0x80).
constexpr unsigned rank(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0xf0) return 2U * 0xedU + 1U;
  return 2U * byte;
}

void write(JsonWriter& json, const JsonValue& value) {
  if (std::holds_alternative<std::nullptr_t>(value.value)) {
    json.null();
  } else if (const auto* yes = std::get_if<bool>(&value.value)) {
    json.value(*yes);
  } else if (const auto* number = std::get_if<std::int64_t>(&value.value)) {
    json.value(*number);
  } else if (const auto* text = std::get_if<std::string>(&value.value)) {
    json.value(*text);
  } else if (const auto* items = std::get_if<JsonValue::Array>(&value.value)) {
    json.begin_array();
    for (const JsonValue& item : *items) write(json, item);
    json.end_array();
  } else {
    json.begin_object();
    for (const auto& [key, member] : std::get<JsonValue::Object>(value.value)) {
      json.key(key);
      write(json, member);
    }
    json.end_object();
  }
}

using Element = simdjson::dom::element;

/// "" or what is wrong.
std::string read(const Element& from, unsigned depth, JsonValue& to) {
  if (depth > kMaxDepth) return "nested too deeply";
  switch (from.type()) {
    case simdjson::dom::element_type::NULL_VALUE: return "";
    case simdjson::dom::element_type::BOOL: to.value = from.get_bool().value_unsafe(); return "";
    case simdjson::dom::element_type::STRING: to.value = std::string(from.get_string().value_unsafe()); return "";
    case simdjson::dom::element_type::INT64: {
      const std::int64_t number = from.get_int64().value_unsafe();
      to.value = number;
      return number > kMaxExact || number < -kMaxExact ? "a number past 2^53" : "";
    }
    case simdjson::dom::element_type::ARRAY: {
      JsonValue::Array items;
      const simdjson::dom::array from_items = from.get_array().value_unsafe();
      for (const Element item : from_items) {
        if (auto error = read(item, depth + 1, items.emplace_back()); !error.empty()) return error;
      }
      to.value = std::move(items);
      return "";
    }
    case simdjson::dom::element_type::OBJECT: {
      JsonValue::Object members;
      const simdjson::dom::object from_members = from.get_object().value_unsafe();
      for (const auto& [key, member] : from_members) {
        const auto [at, fresh] = members.try_emplace(std::string(key));
        if (!fresh) return "duplicate field \"" + at->first + "\"";
        if (auto error = read(member, depth + 1, at->second); !error.empty()) return error;
      }
      to.value = std::move(members);
      return "";
    }
    default: return "a number that is no integer within 2^53";
  }
}

}  // namespace

bool JsonValue::MemberOrder::operator()(std::string_view a, std::string_view b) const noexcept {
  return std::ranges::lexicographical_compare(a, b, [](char x, char y) {
    const unsigned left = rank(x), right = rank(y);
    return left != right ? left < right : static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
  });
}

const JsonValue* JsonValue::find(std::string_view key) const noexcept {
  const auto* members = std::get_if<Object>(&value);
  if (members == nullptr) return nullptr;
  const auto at = members->find(key);
  return at == members->end() ? nullptr : &at->second;
}

std::string_view JsonValue::text(std::string_view key) const noexcept {
  const JsonValue* member = find(key);
  const auto* said = member == nullptr ? nullptr : std::get_if<std::string>(&member->value);
  return said == nullptr ? std::string_view() : *said;
}

std::uint64_t JsonValue::number(std::string_view key) const noexcept {
  const JsonValue* member = find(key);
  const auto* said = member == nullptr ? nullptr : std::get_if<std::int64_t>(&member->value);
  return said == nullptr || *said < 0 ? 0 : static_cast<std::uint64_t>(*said);
}

const JsonValue::Array* JsonValue::items(std::string_view key) const noexcept {
  const JsonValue* member = find(key);
  return member == nullptr ? nullptr : std::get_if<Array>(&member->value);
}

std::string canonical_json(const JsonValue& value) {
  std::string out;
  JsonWriter json(out);
  write(json, value);
  return out;
}

Result<JsonValue, std::string> read_json(std::string_view text) {
  simdjson::dom::parser parser;
  Element root;
  if (const auto error = parser.parse(text.data(), text.size(), true).get(root); error != simdjson::SUCCESS) {
    return std::unexpected(std::string(simdjson::error_message(error)));
  }
  JsonValue value;
  if (auto error = read(root, 0, value); !error.empty()) return std::unexpected(std::move(error));
  return value;
}

}  // namespace sluice
