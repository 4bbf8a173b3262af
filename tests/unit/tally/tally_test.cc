#include "control/tally/tally.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>

#include "tests/support/temp_folder.h"

using namespace sluice;
using sluice::test::TempFolder;

namespace {

struct CounterFile {
  CounterFileHeader header{};
  std::vector<OrderSlot> slots = std::vector<OrderSlot>(kOrderSlots);
  std::unique_ptr<WorkerCounters[]> workers = std::make_unique<WorkerCounters[]>(2);

  CounterFile() {
    header.magic = kCounterMagic;
    header.workers = 2;
    header.order_slots = kOrderSlots;
    header.causes = kCauseCount;
    header.header_bytes = sizeof header;
    header.pid = 77;
    header.slots_used = 2;
    header.rows[static_cast<std::size_t>(Cause::TooDeep)] = Row::Drop;
    std::strcpy(slots[1].feed.data(), "a.example/x");
    slots[1].order.fill('Z');  // as long as an order id may be: no NUL
    add(workers[0].names[0], 5);
    add(workers[1].names[0], 7);
    add(workers[0].orders[1].blocked, 3);
    add(workers[1].orders[1].blocked, 4);
    add(workers[1].orders[1].observed, 9);
    add(workers[1].causes[static_cast<std::size_t>(Cause::Tombstone)], 2);
  }
  [[nodiscard]] std::string bytes() const {
    std::string out(reinterpret_cast<const char*>(&header), sizeof header);
    out.append(reinterpret_cast<const char*>(slots.data()), slots.size() * sizeof(OrderSlot));
    out.append(reinterpret_cast<const char*>(workers.get()), 2 * sizeof(WorkerCounters));
    return out;
  }
};

}  // namespace

TEST_CASE("tally: sums over workers, and names the orders behind the slots") {
  const TempFolder folder;
  const auto tally = read_tally(folder.write("counters", CounterFile().bytes()));
  REQUIRE(tally.has_value());
  CHECK(tally->pid == 77);
  CHECK(tally->workers == 2);
  CHECK(tally->names[0] == 12);
  CHECK(tally->causes[static_cast<std::size_t>(Cause::Tombstone)] == 2);
  CHECK(tally->rows[static_cast<std::size_t>(Cause::TooDeep)] == Row::Drop);
  const OrderTally& order = tally->orders.at({"a.example/x", std::string(64, 'Z')});
  CHECK(order.blocked == 7);
  CHECK(order.observed == 9);
}

TEST_CASE("tally: a file cut short anywhere, or of another build, is an error") {
  const TempFolder folder;
  const std::string whole = CounterFile().bytes();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{7}, sizeof(CounterFileHeader), whole.size() / 2, whole.size() - 1}) {
    CHECK(read_tally(folder.write("cut", whole.substr(0, size))).error() == TallyError::Malformed);
  }
  CounterFile other;
  other.header.causes = kCauseCount + 1;
  CHECK(read_tally(folder.write("other", other.bytes())).error() == TallyError::Malformed);
  CounterFile huge;
  huge.header.workers = 0xffffffff;
  CHECK(read_tally(folder.write("huge", huge.bytes())).error() == TallyError::Malformed);
  CHECK(read_tally(folder / "missing").error() == TallyError::Unreadable);
}
