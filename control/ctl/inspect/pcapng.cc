#include "control/ctl/inspect/pcapng.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

enum Block : std::uint32_t {
  kInterface = 1,
  kOldPacket = 2,
  kSimplePacket = 3,
  kEnhancedPacket = 6,
  kSection = 0x0a0d0d0a,
};
enum Option : std::uint16_t { kEndOfOptions = 0, kTimeResolution = 9, kTimeOffset = 14 };

constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint32_t kMaxBlockBytes = 16U << 20;
constexpr std::uint32_t kFrameBytes = 12;  // type, length, and the length again
constexpr std::size_t kMaxInterfaces = 65536;

template <class T>
T load(const std::uint8_t* from, bool swapped) noexcept {
  T v;
  std::memcpy(&v, from, sizeof v);
  if (!swapped) return v;
  if constexpr (sizeof v == 2) return __builtin_bswap16(v);
  if constexpr (sizeof v == 4) return __builtin_bswap32(v);
  if constexpr (sizeof v == 8) return __builtin_bswap64(v);
}

/// if_tsresol: a power of ten, or of two where the top bit is set; 0 where it does not fit.
std::uint64_t units_of(std::uint8_t resolution) noexcept {
  const unsigned power = resolution & 0x7f;
  if ((resolution & 0x80) != 0) return power < 64 ? std::uint64_t{1} << power : 0;
  if (power > 19) return 0;
  std::uint64_t units = 1;
  for (unsigned i = 0; i < power; ++i) units *= 10;
  return units;
}

}  // namespace

std::uint16_t Pcapng::u16(std::size_t at) const noexcept {
  return load<std::uint16_t>(&body_[at], swapped_);
}
std::uint32_t Pcapng::u32(std::size_t at) const noexcept {
  return load<std::uint32_t>(&body_[at], swapped_);
}
std::uint64_t Pcapng::u64(std::size_t at) const noexcept {
  return load<std::uint64_t>(&body_[at], swapped_);
}

Pcapng::Got Pcapng::broken(std::string what) {
  trouble_ = std::move(what);
  return Got::Broken;
}

bool Pcapng::fill(std::uint8_t* to, std::size_t bytes) {
  if (std::fread(to, 1, bytes, file_.get()) == bytes) return true;
  trouble_ = std::ferror(file_.get()) != 0 ? "read error" : "the file ends inside a block";
  return false;
}

/// Reads one block into body_. Of a section header the byte order comes first: its length is written in it.
Pcapng::Got Pcapng::read_block(std::uint32_t& type) {
  std::array<std::uint8_t, 8> head;
  const std::size_t got = std::fread(head.data(), 1, head.size(), file_.get());
  if (got == 0 && std::ferror(file_.get()) == 0) return Got::End;
  if (got < head.size()) return trouble_ = "the file ends inside a block", Got::Cut;
  type = load<std::uint32_t>(head.data(), swapped_);
  body_.clear();
  if (std::ranges::equal(Bytes(head).first(4), kPcapngMagic)) {
    type = kSection;
    interfaces_.clear();
    body_.resize(4);
    if (!fill(body_.data(), 4)) return Got::Cut;
    swapped_ = load<std::uint32_t>(body_.data(), false) != kByteOrder;
    if (u32(0) != kByteOrder) return broken("a section of unknown byte order");
  }
  return read_body(load<std::uint32_t>(&head[4], swapped_));
}

Pcapng::Got Pcapng::read_body(std::uint32_t total) {
  const std::size_t had = body_.size();
  if (total < kFrameBytes + had || total > kMaxBlockBytes) {
    return broken("a block of impossible length " + std::to_string(total));
  }
  body_.resize((total - kFrameBytes + 3) / 4 * 4);
  std::array<std::uint8_t, 4> again;
  if (!fill(body_.data() + had, body_.size() - had) || !fill(again.data(), again.size())) return Got::Cut;
  if (load<std::uint32_t>(again.data(), swapped_) != total) return broken("a block whose two lengths differ");
  return Got::Block;
}

bool Pcapng::add_interface() {
  if (body_.size() < 8 || interfaces_.size() == kMaxInterfaces) return false;
  Interface made{.link = u16(0), .snap_bytes = u32(4)};
  if (!read_options(8, made)) return false;
  interfaces_.push_back(made);
  return true;
}

bool Pcapng::read_options(std::size_t at, Interface& out) const {
  while (at + 4 <= body_.size()) {
    const std::uint16_t code = u16(at);
    const std::size_t length = u16(at + 2);
    at += 4;
    if (code == kEndOfOptions) break;
    if (length > body_.size() - at) return false;
    if (code == kTimeResolution && length >= 1) out.units_per_second = units_of(body_[at]);
    if (code == kTimeOffset && length >= 8) out.offset_s = static_cast<std::int64_t>(u64(at));
    at += (length + 3) / 4 * 4;
  }
  return out.units_per_second != 0;
}

bool Pcapng::take_frame(std::uint32_t type, CapturedFrame& out) {
  const bool simple = type == kSimplePacket;
  const std::size_t data_at = simple ? 4 : 20;
  if (body_.size() < data_at) return false;
  const std::size_t interface = simple ? 0 : type == kOldPacket ? u16(0) : u32(0);
  if (interface >= interfaces_.size()) return false;
  const Interface& from = interfaces_[interface];
  std::uint32_t captured = simple ? u32(0) : u32(12);
  if (simple && from.snap_bytes != 0) captured = std::min(captured, from.snap_bytes);
  if (captured > body_.size() - data_at) return false;
  out.bytes = Bytes(body_).subspan(data_at, captured);
  out.link = from.link;
  const std::uint64_t time = simple ? 0 : std::uint64_t{u32(4)} << 32 | u32(8);
  __extension__ using Wide = unsigned __int128;
  out.seconds = static_cast<std::int64_t>(time / from.units_per_second + static_cast<std::uint64_t>(from.offset_s));
  out.nanoseconds =
      static_cast<std::uint32_t>(Wide{time % from.units_per_second} * 1'000'000'000 / from.units_per_second);
  return true;
}

Capture::Next Pcapng::next(CapturedFrame& out) {
  for (;;) {
    std::uint32_t type = 0;
    switch (read_block(type)) {
      case Got::Block: break;
      case Got::End: return Next::End;
      case Got::Cut: return Next::Cut;
      case Got::Broken: return Next::Broken;
    }
    const bool frame = type == kEnhancedPacket || type == kSimplePacket || type == kOldPacket;
    if ((frame && !take_frame(type, out)) || (type == kInterface && !add_interface())) {
      trouble_ = frame ? "a packet block that does not fit" : "an interface block that does not fit";
      return Next::Broken;
    }
    if (frame) return Next::Frame;
  }
}

}  // namespace sluice
