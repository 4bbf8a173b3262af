#include "dataplane/filter/credit.h"

#include <algorithm>
#include <bit>

namespace sluice {
namespace {

constexpr std::uint64_t kSecond_ns = 1'000'000'000;

/// /24 or /48 as a number that is never 0, different for the two families.
std::uint64_t prefix_of(Bytes source) noexcept {
  if (source.size() == 4) return std::uint64_t{load_be32(source.data()) >> 8} << 8 | 4;
  return (load_be64(source.data()) >> 16) << 8 | 6;
}

std::uint64_t mix(std::uint64_t prefix, std::uint64_t seed) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{prefix ^ seed} * ((seed * 0x9e3779b97f4a7c15U) | 1);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

ReplyCredit::ReplyCredit(std::uint32_t prefixes, std::uint32_t credit_bytes, std::uint32_t bytes_per_s,
                         std::uint64_t seed)
    : accounts_(kWays * std::bit_ceil(std::max<std::size_t>(1, (prefixes + kWays - 1) / kWays))),
      mask_(accounts_.size() / kWays - 1),
      seed_(seed),
      credit_bytes_(credit_bytes),
      bytes_per_s_(bytes_per_s) {}

/// Refills in whole bytes and only up to the credit: what was earned above it
/// is neither lost nor added to.
void ReplyCredit::refill(Account& account, std::uint64_t now_ns) const noexcept {
  if (now_ns <= account.refilled_ns || bytes_per_s_ == 0) return;
  const std::uint64_t elapsed_ns = now_ns - account.refilled_ns;
  const std::uint64_t whole_s = elapsed_ns / kSecond_ns;
  if (account.balance >= credit_bytes_ || whole_s * bytes_per_s_ >= credit_bytes_) {
    account.balance = std::max(account.balance, credit_bytes_);
    account.refilled_ns = now_ns;
    return;
  }
  const std::uint64_t fraction_ns = elapsed_ns % kSecond_ns;
  const std::uint64_t bytes = whole_s * bytes_per_s_ + fraction_ns * bytes_per_s_ / kSecond_ns;
  if (bytes == 0) return;
  account.balance = std::min(account.balance + bytes, credit_bytes_);
  account.refilled_ns = now_ns;
}

/// The account of a prefix, made with a full credit where a place is free. Null: every place is held by a prefix that
/// has spent of its credit and would get it anew.
ReplyCredit::Account* ReplyCredit::find(Bytes source, std::uint64_t now_ns) noexcept {
  const std::uint64_t prefix = prefix_of(source);
  Account* set = &accounts_[(mix(prefix, seed_) & mask_) * kWays];
  for (std::size_t way = 0; way < kWays; ++way) {
    if (set[way].prefix != prefix) continue;
    refill(set[way], now_ns);
    return &set[way];
  }
  for (std::size_t way = 0; way < kWays; ++way) {
    Account& account = set[way];
    if (account.prefix != 0) refill(account, now_ns);
    if (account.prefix != 0 && account.balance < credit_bytes_) continue;
    account = {prefix, credit_bytes_, now_ns};
    return &account;
  }
  return nullptr;
}

void ReplyCredit::earn(Bytes source, std::size_t bytes, std::uint64_t now_ns) noexcept {
  if (Account* account = find(source, now_ns)) {
    account->balance = std::min(account->balance + bytes, credit_bytes_ + kMaxEarned);
  }
}

bool ReplyCredit::spend(Bytes source, std::size_t bytes, std::uint64_t now_ns) noexcept {
  Account* account = find(source, now_ns);
  if (account == nullptr || account->balance < bytes) return false;
  account->balance -= bytes;
  return true;
}

void ReplyCredit::charge(Bytes source, std::size_t bytes, std::uint64_t now_ns) noexcept {
  if (Account* account = find(source, now_ns)) account->balance -= std::min<std::uint64_t>(account->balance, bytes);
}

}  // namespace sluice
