// A file → its frames: each lies within what was read, and the file comes to an end.
#include "control/ctl/inspect/pcapng.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // fmemopen() does not write in mode "r".
  sluice::Pcapng file(sluice::File(fmemopen(const_cast<std::uint8_t*>(data), size, "r")));
  sluice::CapturedFrame frame;
  std::size_t bytes = 0;
  unsigned sum = 0;
  while (file.next(frame) == sluice::Capture::Next::Frame) {
    bytes += frame.bytes.size() + 12;
    for (const std::uint8_t byte : frame.bytes) sum += byte;
    if (bytes > size || frame.nanoseconds >= 1'000'000'000) std::abort();
    (void)sluice::link_type_of(frame.link);
  }
  return sum == 0xffffffff ? 1 : 0;
}
