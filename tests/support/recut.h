#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "dataplane/base/bytes.h"

namespace sluice::test {

/// A segment of a stream: `bytes` stand `at` bytes behind its start.
struct Piece {
  std::size_t at;
  Bytes bytes;
};

/// Cuts, repeats, overlaps and shuffles a stream as a network and its peers may.
class Recut {
 public:
  explicit Recut(std::uint64_t seed) : random_(seed) {}

  std::mt19937_64& random() noexcept { return random_; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }

  /// Pieces that together hold the whole of stream[from, end); `plain`: in order and each byte once.
  std::vector<Piece> pieces(Bytes stream, std::size_t from, bool plain = false) {
    std::vector<Piece> pieces;
    const std::size_t longest = longest_piece();
    for (std::size_t at = from; at < stream.size();) {
      const std::size_t n = std::min(1 + below(longest), stream.size() - at);
      pieces.push_back({at, stream.subspan(at, n)});
      at += n;
    }
    if (plain) return pieces;
    if (one_in(2)) overlap(stream, from, pieces);
    if (one_in(2)) repeat(stream, pieces);
    order(pieces);
    return pieces;
  }

  /// As a network that sends some things on before others, or all of them in any order.
  template <class Thing>
  void order(std::vector<Thing>& things) {
    switch (below(4)) {
      case 0: break;
      case 1: std::ranges::reverse(things); break;
      case 2: std::ranges::shuffle(things, random_); break;
      default:
        for (std::size_t i = 0; i + 1 < things.size(); ++i) {
          if (one_in(3)) std::swap(things[i], things[i + 1]);
        }
    }
  }

 private:
  std::size_t longest_piece() {
    switch (below(8)) {
      case 0: return 1;
      case 1: return 16;
      case 2: return 100;
      case 3: return 9000;
      default: return 1460;
    }
  }
  /// Some pieces begin before the end of the one before them.
  void overlap(Bytes stream, std::size_t from, std::vector<Piece>& pieces) {
    for (Piece& piece : pieces) {
      if (!one_in(3)) continue;
      const std::size_t back = below(std::min<std::size_t>(piece.at - from, 600) + 1);
      piece = {piece.at - back, stream.subspan(piece.at - back, piece.bytes.size() + back)};
    }
  }
  /// Some bytes are sent again, in other segments.
  void repeat(Bytes stream, std::vector<Piece>& pieces) {
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      const std::size_t at = below(stream.size());
      const std::size_t size = std::min(1 + below(1460), stream.size() - at);
      const auto where = pieces.begin() + static_cast<std::ptrdiff_t>(below(pieces.size() + 1));
      pieces.insert(where, {at, stream.subspan(at, size)});
    }
  }

  std::mt19937_64 random_;
};

}  // namespace sluice::test
