// A row of segments, each told by five bytes: which of four streams, offset from its base (two bytes), length (times
// four), first data byte. What the table gives is checked against a model that keeps every byte of every stream.
#include <cstdlib>
#include <map>
#include <optional>
#include <vector>

#include "dataplane/flow/half.h"

using namespace sluice;

namespace {

constexpr std::uint32_t kWindow = 4096;
using Model = std::vector<std::optional<std::uint8_t>>;

void must(bool condition) {
  if (!condition) std::abort();
}

void check_head(HalfRead& half, std::uint32_t handle, const Model& model) {
  const Bytes head = half.head(handle);
  std::size_t known = 0;
  while (known < model.size() && model[known]) ++known;
  must(head.size() == known);
  for (std::size_t i = 0; i < known; ++i) must(head[i] == *model[i]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  HalfRead half({.flows = 4, .bytes_per_flow = kWindow, .bytes_total = 3 * kWindow});
  std::map<unsigned, Model> models;
  const std::uint32_t all_chunks = half.free_chunks();
  for (std::size_t at = 0; at + 5 <= size; at += 5) {
    const unsigned stream = data[at] & 3;
    const std::uint32_t base = 0xfffff800U + stream;
    FlowKey key;
    key.words[0] = stream;
    std::uint32_t handle = half.find(key, stream, 1);
    if (handle != HalfRead::kNone) {
      must(models.contains(stream));
    } else {  // new, or it gave way to another
      models.erase(stream);
      handle = half.open(key, stream, base, 1);
      must(handle != HalfRead::kNone);
      models[stream].resize(kWindow);
    }
    Model& model = models[stream];
    const auto offset = static_cast<std::int16_t>(data[at + 1] << 8 | data[at + 2]);
    std::vector<std::uint8_t> bytes(data[at + 3] * std::size_t{4});
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(data[at + 4] + i);
    if (half.add(handle, base + static_cast<std::uint32_t>(offset), bytes, 1) != HalfRead::Kept::Stored) {
      half.close(handle);
      models.erase(stream);
      continue;
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const std::int64_t where = offset + static_cast<std::int64_t>(i);
      if (where >= 0 && !model[static_cast<std::size_t>(where)]) model[static_cast<std::size_t>(where)] = bytes[i];
    }
    check_head(half, handle, model);
  }
  for (const auto& [stream, model] : models) {
    FlowKey key;
    key.words[0] = stream;
    const std::uint32_t handle = half.find(key, stream, 1);
    if (handle != HalfRead::kNone) half.close(handle);
  }
  must(half.empty() && half.free_chunks() == all_chunks);
  return 0;
}
