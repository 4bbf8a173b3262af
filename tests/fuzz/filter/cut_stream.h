#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/cursor.h"
#include "tests/support/stream_wire.h"

namespace sluice::test {

inline void must(bool condition) {
  if (!condition) std::abort();
}

/// Where a stream is cut, and in which order its pieces are sent: a count, then three bytes a cut (place, rank).
class Cuts {
 public:
  explicit Cuts(Cursor& input) {
    for (std::size_t n = input.u8() % 64; n > 0; --n) {
      const std::size_t at = input.be16();
      cuts_.push_back({at, input.u8()});
    }
  }
  struct Piece {
    std::size_t at;
    Bytes bytes;
    unsigned rank;
  };
  [[nodiscard]] std::vector<Piece> of(Bytes stream) const {
    std::vector<Cut> cuts{{0, 128}};
    for (const Cut& cut : cuts_) cuts.push_back({cut.at % stream.size(), cut.rank});
    std::ranges::sort(cuts, {}, &Cut::at);
    cuts.erase(std::ranges::unique(cuts, {}, &Cut::at).begin(), cuts.end());
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < cuts.size(); ++i) {
      const std::size_t end = i + 1 < cuts.size() ? cuts[i + 1].at : stream.size();
      pieces.push_back({cuts[i].at, stream.subspan(cuts[i].at, end - cuts[i].at), cuts[i].rank});
    }
    std::ranges::sort(pieces, {}, [](const Piece& piece) { return std::pair(piece.rank, piece.at); });
    return pieces;
  }

 private:
  struct Cut {
    std::size_t at;
    unsigned rank;
  };
  std::vector<Cut> cuts_;
};

/// The names of a stream that is sent in pieces, after a handshake that was seen in full. Checks that they are
/// canonical and that memory stays within its bound.
inline std::vector<std::string> names_of(const std::vector<Cuts::Piece>& pieces, std::uint16_t port) {
  static FoundNames room;
  StreamWire wire({.young_flows = 8,
                   .given_names = 1024,
                   .half = {.flows = 4, .bytes_per_flow = 16 << 10, .bytes_total = 16 << 10}},
                  room);
  wire.client(0x0a000001, 40000, port);
  wire.syn();
  wire.syn_ack();
  std::vector<std::string> names;
  for (const Cuts::Piece& piece : pieces) {
    FoundNames& found = wire.data(static_cast<std::uint32_t>(piece.at), piece.bytes);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::string& name = names.emplace_back(found[i].name.text());
      must(!name.empty() && name.size() <= WireName::kMaxBytes);
      for (const char c : name) must(c == '.' || kCanonicalByte[static_cast<unsigned char>(c)] == c);
    }
    must(wire.half().open_flows() <= 1 && wire.half().free_chunks() <= 8);
    if (wire.half().empty()) must(wire.half().free_chunks() == 8);
  }
  return names;
}

}  // namespace sluice::test
