// Answers of other processes: the data plane's over telemetry, sluice-compile's over its socket.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/publish/compile_client.h"
#include "control/publish/dataplane.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view answer(reinterpret_cast<const char*>(data), size);
  const auto health = sluice::read_health(answer);
  // status prints health as it came: it must be one JSON object.
  if (health && (!health->json.starts_with('{') || !health->json.ends_with('}'))) std::abort();
  (void)sluice::read_loaded(answer);
  const auto compiled = sluice::read_compile_answer(answer);
  if (compiled && compiled->sha256.size() != 64) std::abort();
  return 0;
}
