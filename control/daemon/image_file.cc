#include "control/daemon/image_file.h"

#include <sodium.h>

#include "control/store/disk.h"

namespace sluice {
namespace {

constexpr std::uint64_t kMaxImageBytes = std::uint64_t{4} << 30;

}  // namespace

std::optional<Ed25519PublicKey> read_image_key(const std::string& file) {
  const std::string text = read_whole(file, 256);
  Ed25519PublicKey key{};
  std::size_t length = 0;
  if (sodium_hex2bin(key.data(), key.size(), text.data(), text.size(), " \r\n", &length, nullptr) != 0) return {};
  return length == key.size() ? std::optional(key) : std::nullopt;
}

std::vector<std::uint8_t> read_image(const std::filesystem::path& file) {
  const std::string text = read_whole(file, kMaxImageBytes);
  return {text.begin(), text.end()};
}

}  // namespace sluice
