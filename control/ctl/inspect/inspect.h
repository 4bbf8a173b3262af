#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "rules/model/order.h"

namespace sluice {

struct InspectOptions {
  enum class Format : std::uint8_t { Jsonl, Text };

  std::string file{};               ///< pcap or pcapng; "-": standard input
  std::string bundle{};             ///< snapshot to judge the names by (its signatures are not asked for); empty: none
  std::string image{};              ///< rule image to judge them by instead, with
  std::string image_key{};          ///< the public key of its signer (64 hex digits in a file)
  std::optional<UnixSeconds> at{};  ///< judge as of this time; else as of each packet's own
  Format format = Format::Jsonl;
};

/// Runs the data plane's pipeline over a capture and writes one line to `out` for each name that it reads: each query
/// and each handshake once, in the order of the frames that complete them. No addresses and no ports.
///
///   {"frame":7,"time":"2026-11-22T01:02:03.000004Z","proto":"dns","name":"news.example.org","qtype":"A"
///    [,"verdict":"allowed"] [,"verdict":"blocked","feed":F,"order":ID,"target":T]}
///
/// frame: from 1, as other tools count. proto: dns, tls, quic, http. Verdicts only with a bundle or an image. Streams:
/// memory does not grow with the capture.
///
/// 0: read to the end, whatever the packets hold, also where the last one is cut (a warning on `err`) or the link type
/// is one without names (a warning too). 1: not a capture, broken in the middle (what came before is written), a
/// bundle or image that does not load, or `out` cannot be written; `err` says which.
int run_inspect(const InspectOptions& options, std::FILE* out, std::FILE* err);

}  // namespace sluice
