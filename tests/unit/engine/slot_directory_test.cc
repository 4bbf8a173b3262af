#include "dataplane/engine/slot_directory.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

using namespace sluice;

namespace {

struct Directory {
  std::unique_ptr<CounterFileHeader> header = std::make_unique<CounterFileHeader>();
  std::vector<OrderSlot> slots;
  explicit Directory(std::size_t size) : slots(size) {}
};

std::string order_id(unsigned i) {
  return "TEST-" + std::to_string(i);
}

}  // namespace

TEST_CASE("slot directory: slot 0 is other") {
  Directory shared(4);
  SlotDirectory directory(*shared.header, shared.slots);
  CHECK(shared.header->slots_used.load() == 1);
  CHECK(std::string(shared.slots[0].order.data()) == "other");
}

TEST_CASE("slot directory: an order keeps its slot, the same id of another feed has its own") {
  Directory shared(16);
  SlotDirectory directory(*shared.header, shared.slots);
  const std::uint32_t first = directory.slot("a.example", "TEST-1");
  const std::uint32_t second = directory.slot("b.example", "TEST-1");
  CHECK(first != second);
  CHECK(directory.slot("a.example", "TEST-1") == first);
  CHECK(directory.slot("b.example", "TEST-1") == second);
  CHECK(shared.header->slots_used.load() == 3);
  CHECK(std::string(shared.slots[second].feed.data()) == "b.example");
}

TEST_CASE("slot directory: orders beyond its size count as other, known ones keep their slots") {
  Directory shared(3);
  SlotDirectory directory(*shared.header, shared.slots);
  CHECK(directory.slot("f", order_id(1)) == 1);
  CHECK(directory.slot("f", order_id(2)) == 2);
  CHECK(directory.slot("f", order_id(3)) == SlotDirectory::kOther);
  CHECK(directory.slot("f", order_id(1)) == 1);
  CHECK(shared.header->slots_used.load() == 3);
}

TEST_CASE("slot directory: an id of 64 bytes fits without a NUL, a longer id or feed counts as other") {
  Directory shared(8);
  SlotDirectory directory(*shared.header, shared.slots);
  const std::uint32_t slot = directory.slot("f", std::string(64, 'A'));
  REQUIRE(slot == 1);
  CHECK(std::string(shared.slots[slot].order.data(), 64) == std::string(64, 'A'));
  CHECK(directory.slot("f", std::string(65, 'A')) == SlotDirectory::kOther);
  CHECK(directory.slot(std::string(127, 'f'), "A") == 2);
  CHECK(directory.slot(std::string(128, 'f'), "A") == SlotDirectory::kOther);
}

TEST_CASE("slot directory: a reader never sees an entry that is not whole") {
  Directory shared(4096);
  SlotDirectory directory(*shared.header, shared.slots);
  std::atomic<bool> torn{false};
  std::thread reader([&] {
    for (std::uint32_t seen = 1; seen < 4096;) {
      const std::uint32_t used = shared.header->slots_used.load(std::memory_order_acquire);
      for (; seen < used; ++seen) {
        if (std::string(shared.slots[seen].order.data()) != order_id(seen)) torn = true;
      }
    }
  });
  for (unsigned i = 1; i < 4096; ++i) (void)directory.slot("f", order_id(i));
  reader.join();
  CHECK_FALSE(torn.load());
}
