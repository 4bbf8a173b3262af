#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "control/ctl/inspect/capture.h"

namespace sluice {

/// Type of the block that every pcapng file begins with, the same in either byte order.
inline constexpr std::array<std::uint8_t, 4> kPcapngMagic{0x0a, 0x0d, 0x0d, 0x0a};

/// A pcapng file (draft-ietf-opsawg-pcapng): sections of either byte order, interfaces of different link types and
/// resolutions; blocks without frames are passed over. A block over 16 MiB is taken for a broken file.
class Pcapng final : public Capture {
 public:
  explicit Pcapng(File file) noexcept : file_(std::move(file)) {}
  Next next(CapturedFrame& out) override;
  [[nodiscard]] std::string trouble() const override { return trouble_; }

 private:
  struct Interface {
    int link = 0;
    std::uint32_t snap_bytes = 0;
    std::uint64_t units_per_second = 1'000'000;
    std::int64_t offset_s = 0;
  };
  enum class Got : std::uint8_t { Block, End, Cut, Broken };

  Got read_block(std::uint32_t& type);
  Got read_body(std::uint32_t total);
  [[nodiscard]] bool fill(std::uint8_t* to, std::size_t bytes);
  Got broken(std::string what);
  [[nodiscard]] std::uint16_t u16(std::size_t at) const noexcept;
  [[nodiscard]] std::uint32_t u32(std::size_t at) const noexcept;
  [[nodiscard]] std::uint64_t u64(std::size_t at) const noexcept;

  [[nodiscard]] bool add_interface();
  [[nodiscard]] bool read_options(std::size_t at, Interface& out) const;
  [[nodiscard]] bool take_frame(std::uint32_t type, CapturedFrame& out);

  File file_;
  bool swapped_ = false;            ///< the section has the other byte order
  std::vector<std::uint8_t> body_;  ///< of the block that was read last
  std::vector<Interface> interfaces_;
  std::string trouble_;
};

}  // namespace sluice
