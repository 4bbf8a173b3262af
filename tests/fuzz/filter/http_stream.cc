// Cuts (cut_stream.h), then a stream to port 80. The host that is read of it in one segment is read of it in pieces, in
// any order.
#include "tests/fuzz/filter/cut_stream.h"

using namespace sluice;
using namespace sluice::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint16_t kPort = 80;
  constexpr std::size_t kLongest = 4096;
  Cursor input(Bytes{data, size});
  const Cuts cuts(input);
  if (!input.ok() || input.empty()) return 0;
  const Bytes stream = input.bytes(std::min(kLongest, input.remaining()));
  const std::vector<std::string> whole = names_of({{0, stream, 0}}, kPort);
  const std::vector<std::string> cut = names_of(cuts.of(stream), kPort);
  must(whole.empty() || std::ranges::find(cut, whole.front()) != cut.end());
  return 0;
}
