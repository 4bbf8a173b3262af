#pragma once

#include <sodium.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/base/wire_name.h"
#include "rules/image/image.h"
#include "rules/model/decide.h"

namespace sluice::test {

// Rules by hand, for tests and benches: short ways to say what the readers of rules/text would give.

[[nodiscard]] inline Name name(std::string_view text) {
  auto made = canonical_name(text);
  if (!made) std::abort();
  return *made;
}
[[nodiscard]] inline Target exact(std::string_view text) {
  return NameTarget{name(text), Scope::Exact};
}
[[nodiscard]] inline Target subtree(std::string_view text) {
  return NameTarget{name(text), Scope::Subtree};
}
[[nodiscard]] inline Target pattern(std::string text) {
  return PatternTarget{std::move(text)};
}

/// An order in force from second 0 up to kOrderExpires, by every method, for all qtypes.
inline constexpr UnixSeconds kOrderExpires = 1000;
[[nodiscard]] inline OrderWithTargets order(std::string id, OrderAction action, std::vector<Target> targets) {
  OrderWithTargets out;
  out.order.id = std::move(id);
  out.order.action = action;
  out.order.qtypes = QtypeSet::All;
  out.order.expires = kOrderExpires;
  out.targets = std::move(targets);
  return out;
}
[[nodiscard]] inline OrderWithTargets block(std::string id, std::vector<Target> targets) {
  return order(std::move(id), OrderAction::Block, std::move(targets));
}
[[nodiscard]] inline OrderWithTargets allow(std::string id, std::vector<Target> targets) {
  return order(std::move(id), OrderAction::Allow, std::move(targets));
}

/// With all that G8 asks for, in force from `effective` up to `expires`.
[[nodiscard]] inline OrderWithTargets lawful(OrderWithTargets out, UnixSeconds effective, UnixSeconds expires) {
  out.order.number = "1";
  out.order.authority = "Authority";
  out.order.law = "Law";
  out.order.reason = {{"en", "Reason"}};
  out.order.appeal_url = "https://appeal.example";
  out.order.effective = effective;
  out.order.expires = expires;
  return out;
}

[[nodiscard]] inline Feed feed(std::string feed_name, FeedPolicy policy, std::vector<OrderWithTargets> orders) {
  Feed out;
  out.snapshot.header.feed = std::move(feed_name);
  out.snapshot.orders = std::move(orders);
  out.policy = policy;
  return out;
}

struct KeyPair {
  Ed25519PublicKey open;
  Ed25519SecretKey secret;
};
/// The same pair for the same seed.
[[nodiscard]] inline KeyPair key_pair(std::uint8_t seed = 1) {
  KeyPair keys;
  std::array<std::uint8_t, crypto_sign_SEEDBYTES> bytes{};
  bytes[0] = seed;
  crypto_sign_seed_keypair(keys.open.data(), keys.secret.data(), bytes.data());
  return keys;
}

/// A canonical name as the packet path would hand it over.
inline void assign(WireName& out, std::string_view text) {
  if (assign_text_name(out, text) != Cause::None) std::abort();
}

}  // namespace sluice::test
