// Whatever bytes come as a zone: no crash, canonical names; and what is written as an order file names them all.
#include <string_view>

#include "tests/fuzz/convert/check_imported.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Imported imported = import_rpz({reinterpret_cast<const char*>(data), size});
  check_imported(imported);
  if (imported.names.size() < kMaxInlineNames) {
    const OrderFileText file = write_order_file(imported, {"", "A-100", "1", "x"});
    for (const ImportedName& name : imported.names) {
      if (file.text.find("\"" + name.target.name.text() + "\"") == std::string::npos) std::abort();
    }
  }
  return 0;
}
