#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice {

/// What an answer is wrapped in anew. Replies take other VLAN ids only where that is configured; all others lead back
/// only where they are.
enum class Tunnel : std::uint8_t { Vlan, Mpls, Ip, Gre, Erspan, Vxlan, Geneve, GtpUser };

/// VLAN ids or labels, outermost first; or one GRE key, VNI or TEID.
struct TunnelIds {
  static constexpr std::size_t kMost = 4;
  std::uint8_t count = 0;
  std::array<std::uint32_t, kMost> id{};
  friend auto operator<=>(const TunnelIds&, const TunnelIds&) = default;
};

/// A tunnel in which subscribers' packets come, by its end points and ids. The way back is from `to` to `from`.
struct WayBack {
  Tunnel tunnel = Tunnel::Ip;
  bool ipv6 = false;                          ///< of the outer header
  std::array<std::uint8_t, 16> from{}, to{};  ///< outer source and destination; Vlan and Mpls have none
  std::optional<TunnelIds> in;                ///< none: whatever they are
  std::optional<TunnelIds> out;               ///< of what is sent back; none: as they came
};

/// The configured ways back, to be searched for every packet that is answered.
class WaysBack {
 public:
  WaysBack() = default;
  explicit WaysBack(std::vector<WayBack> ways);

  [[nodiscard]] bool empty() const noexcept { return ways_.empty(); }
  /// The way whose tunnel, end points and ids are those of `came`, or that has its end points and any ids; null: none.
  [[nodiscard]] const WayBack* find(WayBack came) const noexcept;
  /// Two ways for the same packets; null: there are none.
  [[nodiscard]] const WayBack* repeated() const noexcept;

 private:
  std::vector<WayBack> ways_;  ///< sorted
};

}  // namespace sluice
