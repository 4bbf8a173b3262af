// A stream → its host. What is read must not depend on how much of the stream is there: a longer prefix of the same
// bytes never takes an answer back.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "dataplane/http/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static const auto whole = std::make_unique<sluice::HttpRequest>();
  static const auto part = std::make_unique<sluice::HttpRequest>();
  const std::size_t cut = data[0] * (size - 1) / 255;
  const sluice::Bytes stream{data + 1, size - 1};
  const sluice::Cause all = sluice::read_request(stream, *whole);
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[cut]);
  for (std::size_t i = 0; i < cut; ++i) exact[i] = stream[i];
  const sluice::Cause first = sluice::read_request({exact.get(), cut}, *part);
  if (whole->head_bytes > stream.size()) std::abort();
  if (first == sluice::Cause::HttpIncomplete) return 0;
  if (first != all || whole->host.text() != part->host.text() || whole->connect != part->connect) std::abort();
  return 0;
}
