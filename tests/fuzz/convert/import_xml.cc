// Whatever bytes come as a dump: no crash, no file or network, no growth by entities; canonical names.
#include "tests/fuzz/convert/check_imported.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_imported(import_dump_xml({reinterpret_cast<const char*>(data), size}));
  return 0;
}
