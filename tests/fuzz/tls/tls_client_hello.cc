// First two bytes: where the stream is cut once more. Rest: the stream. What a prefix answers, a longer one answers
// too.
#include <memory>

#include "dataplane/tls/client_hello.h"

using namespace sluice;

namespace {

template <class Read>
void check(Bytes stream, std::size_t cut, Read read) {
  static ClientHello whole, part;
  const Cause cause = read(stream, whole);
  if (whole.bytes > stream.size() || (cause == Cause::None) != (whole.name.length > 0)) __builtin_trap();

  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[cut]);
  if (cut > 0) std::memcpy(exact.get(), stream.data(), cut);
  const Cause earlier = read(Bytes{exact.get(), cut}, part);
  if (earlier == Cause::TlsIncomplete) return;
  if (earlier != cause || part.name.text() != whole.name.text() || part.bytes != whole.bytes) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes stream{data + 2, size - 2};
  const std::size_t cut = load_be16(data) % (stream.size() + 1);
  check(stream, cut, read_client_hello);
  check(stream, cut, read_client_hello_message);
  return 0;
}
