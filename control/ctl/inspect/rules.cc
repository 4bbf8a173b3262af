#include "control/ctl/inspect/rules.h"

#include <sodium.h>

#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "rules/image/build.h"
#include "rules/text/bundle_jsonl.h"

namespace sluice {
namespace {

using Failure = std::unexpected<std::string>;
using Rules = Result<std::unique_ptr<RuleSet>, std::string>;

Failure failed(const std::string& file, std::string_view what) {
  return Failure(file + ": " + std::string(what));
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (in.bad()) return std::nullopt;
  return text;
}

Rules open_image(const std::string& file, std::vector<std::uint8_t> image, const Ed25519PublicKey& key) {
  auto rules = RuleSet::open(std::move(image), key, 1);
  if (!rules.has_value()) return failed(file, to_string(rules.error()));
  return std::move(*rules);
}

/// Builds an image of the bundle in memory, signed with a key that nobody keeps.
Rules rules_of_bundle(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return failed(file, "cannot be read");
  auto snapshot = read_snapshot(*text);
  if (!snapshot.has_value()) return Failure(to_string(snapshot.error().where, file));

  BuildOptions options;
  crypto_hash_sha256(options.snapshot_sha256.emplace_back().data(),
                     reinterpret_cast<const unsigned char*>(text->data()), text->size());
  Ed25519PublicKey public_key;
  Ed25519SecretKey secret_key;
  crypto_sign_keypair(public_key.data(), secret_key.data());
  const std::array<Feed, 1> feeds{Feed{std::move(*snapshot), {}, {}}};
  auto image = build_image(feeds, options, secret_key);
  if (!image.has_value()) return failed(file, to_string(image.error().code));
  return open_image(file, std::move(*image), public_key);
}

Rules rules_of_image(const std::string& file, const std::string& key_file) {
  const auto image = read_file(file);
  if (!image) return failed(file, "cannot be read");
  const auto key_text = read_file(key_file);
  if (!key_text) return failed(key_file, "cannot be read");
  Ed25519PublicKey key;
  std::size_t bytes = 0;
  const bool is_hex =
      sodium_hex2bin(key.data(), key.size(), key_text->data(), key_text->size(), " \r\n", &bytes, nullptr) == 0;
  if (!is_hex || bytes != key.size()) return failed(key_file, "not a public key of 64 hex digits");
  return open_image(file, {image->begin(), image->end()}, key);
}

}  // namespace

Rules load_rules(const InspectOptions& options) {
  if (sodium_init() < 0) return Failure("libsodium does not start");
  if (!options.bundle.empty()) return rules_of_bundle(options.bundle);
  if (!options.image.empty()) return rules_of_image(options.image, options.image_key);
  return nullptr;
}

}  // namespace sluice
