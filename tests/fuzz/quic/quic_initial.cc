// A datagram → its packets → opened with keys from their own ID → frames. And the same bytes as frames.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "dataplane/quic/initial.h"

namespace {

void walk(sluice::Bytes frames) {
  std::size_t taken = 0;
  const sluice::Cause cause = sluice::walk_initial_frames(frames, [&](std::uint64_t, sluice::Bytes data) {
    if (!data.empty() && (data.data() < frames.data() || data.data() + data.size() > frames.data() + frames.size())) {
      std::abort();
    }
    taken += data.size();
  });
  if (taken > frames.size()) std::abort();
  if (cause != sluice::Cause::None && cause != sluice::Cause::QuicBadFrame) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sluice::InitialOpener opener;
  const sluice::Bytes input{data, size};
  walk(input);

  sluice::Cursor datagram(input);
  sluice::InitialPacket packet;
  sluice::QuicNext next = sluice::QuicNext::Other;
  while (next_packet(datagram, packet, next) == sluice::Cause::None && next != sluice::QuicNext::End) {
    if (next == sluice::QuicNext::Other) continue;
    sluice::InitialKeys keys;
    opener.derive(packet.version, packet.dcid, sluice::QuicSender::Client, keys);
    const std::unique_ptr<std::uint8_t[]> plain(new std::uint8_t[packet.packet.size()]);
    sluice::InitialOpener::Opened opened;
    if (opener.open(packet, keys, 0, {plain.get(), packet.packet.size()}, opened)) walk(opened.frames);
  }
  return 0;
}
