// Cuts (cut_stream.h), then DNS messages, each with two bytes of length before it: a stream to port 53. Whatever the
// messages are, a name that is read of the stream in one segment is read of it in pieces, in any order.
#include "tests/fuzz/filter/cut_stream.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr std::size_t kHeader = 12, kLongest = 511, kMostMessages = 15;  // of four questions each, at most

std::vector<std::uint8_t> stream_of(Cursor& input) {
  std::vector<std::uint8_t> stream;
  for (std::size_t n = 0; n < kMostMessages && !input.empty(); ++n) {
    const std::size_t length = std::max<std::size_t>(kHeader, input.be16() & kLongest);
    const Bytes message = input.bytes(std::min(length, input.remaining()));
    stream.push_back(static_cast<std::uint8_t>(length >> 8));
    stream.push_back(static_cast<std::uint8_t>(length));
    stream.insert(stream.end(), message.begin(), message.end());
    stream.resize(stream.size() + length - message.size());
  }
  return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint16_t kPort = 53;
  Cursor input(Bytes{data, size});
  const Cuts cuts(input);
  if (!input.ok() || input.empty()) return 0;
  const std::vector<std::uint8_t> stream = stream_of(input);
  std::vector<std::string> whole = names_of({{0, stream, 0}}, kPort);
  std::vector<std::string> cut = names_of(cuts.of(stream), kPort);
  std::ranges::sort(whole);
  std::ranges::sort(cut);
  must(std::ranges::includes(cut, whole));
  return 0;
}
