// What a client of the API chooses: the body of a POST, and the arguments of `why`.
#include <cstdint>
#include <string_view>

#include "control/daemon/answers.h"
#include "control/daemon/routes.h"
#include "rules/model/name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)sluice::read_bypass_request(text);
  (void)sluice::qtype_from(text);
  (void)sluice::canonical_name(text);
  return 0;
}
