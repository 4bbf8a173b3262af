#include "dataplane/engine/slot_directory.h"

#include <algorithm>

namespace sluice {

SlotDirectory::SlotDirectory(CounterFileHeader& header, std::span<OrderSlot> slots) : header_(header), slots_(slots) {
  header_.slots_used.store(0, std::memory_order_relaxed);
  (void)publish("", "other");
}

std::uint32_t SlotDirectory::slot(std::string_view feed, std::string_view order) {
  std::string key;
  key.reserve(feed.size() + 1 + order.size());
  key.append(feed).append(1, '\n').append(order);
  const auto [entry, fresh] = known_.try_emplace(std::move(key), kOther);
  if (fresh) entry->second = publish(feed, order);
  return entry->second;
}

std::uint32_t SlotDirectory::publish(std::string_view feed, std::string_view order) {
  const std::uint32_t next = header_.slots_used.load(std::memory_order_relaxed);
  if (next >= slots_.size() || feed.size() >= OrderSlot{}.feed.size() || order.size() > OrderSlot{}.order.size())
    return kOther;
  OrderSlot& slot = slots_[next];
  slot = {};
  std::ranges::copy(feed, slot.feed.begin());
  std::ranges::copy(order, slot.order.begin());
  header_.slots_used.store(next + 1, std::memory_order_release);
  return next;
}

}  // namespace sluice
