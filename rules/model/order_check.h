#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/model/order.h"

namespace sluice {

inline constexpr UnixSeconds kMaxOrderSeconds = 365 * 86400;    ///< from effective to expires
inline constexpr UnixSeconds kMaxEmergencySeconds = 72 * 3600;  ///< the same under urgency: emergency
inline constexpr UnixSeconds kMaxDelaySeconds = 90 * 86400;     ///< from effective to publication
inline constexpr UnixSeconds kMaxBundleSeconds = 30 * 86400;    ///< from issued to expires of a bundle
inline constexpr std::size_t kMaxReasonBytes = 200;             ///< a language
inline constexpr std::size_t kMaxTextBytes = 1024;              ///< any other text of an order

struct OrderProblem {
  std::string_view field;  ///< of the order file: "expires", "appeal" …
  std::string what;
};

/// What every order must say, whatever brings it (guard G8): id, number, authority, law, reason and a way to appeal;
/// methods; effective before expires and no further apart than allowed; texts within their lengths. Targets are not
/// looked at. All problems, not only the first.
[[nodiscard]] std::vector<OrderProblem> check_order(const Order& order);

/// [A-Z0-9][A-Z0-9._-]{2,63}
[[nodiscard]] bool is_order_id(std::string_view id) noexcept;
/// An authority and a list, both lower case: "pta.example/terror". [a-z0-9.-]+(/[a-z0-9.-]+)*, at most 128 bytes, no
/// part that is "." or "..".
[[nodiscard]] bool is_feed_name(std::string_view name) noexcept;
/// 64 lower-case hex digits.
[[nodiscard]] bool is_sha256_hex(std::string_view text) noexcept;

}  // namespace sluice
