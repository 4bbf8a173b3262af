#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/base/bytes.h"
#include "dataplane/base/result.h"
#include "dataplane/packet/packet_view.h"

namespace sluice {

struct CapturedFrame {
  Bytes bytes;               ///< until the next call
  std::int64_t seconds = 0;  ///< since 1970
  std::uint32_t nanoseconds = 0;
  int link = 0;  ///< LINKTYPE_ or DLT_ value, for link_type_of()
};

/// How frames of a libpcap link type begin; nothing for one that no name is read from.
[[nodiscard]] std::optional<LinkType> link_type_of(int link) noexcept;
[[nodiscard]] std::string link_name(int link);

/// A file of captured frames, read from its start to its end in bounded memory.
class Capture {
 public:
  /// pcap (through libpcap) or pcapng, of any resolution of time; "-" is standard input. Else why it cannot be read.
  static Result<std::unique_ptr<Capture>, std::string> open(const std::string& path);
  virtual ~Capture() = default;

  enum class Next : std::uint8_t {
    Frame,
    End,
    Cut,     ///< the file ends inside a frame
    Broken,  ///< what follows is no frame
  };
  virtual Next next(CapturedFrame& out) = 0;
  /// What is behind Cut and Broken.
  [[nodiscard]] virtual std::string trouble() const = 0;
};

/// Owns what fopen() gave.
struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace sluice
