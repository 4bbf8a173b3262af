// An update, cut off or hindered at each of its calls to the disk: sluiced's and sluice-compile's, in one process.
// SLUICE_CRASH_ROUNDS=n tries n rounds instead of a few per kind of update; 0 tries all.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>

#include "control/daemon/intake.h"
#include "dataplane/match/matcher.h"
#include "rules/compile/compiler.h"
#include "rules/guard/lists.h"
#include "rules/sign/digest.h"
#include "rules/sign/minisign.h"
#include "rules/text/root.h"
#include "tests/support/feeds.h"
#include "tests/support/packet_peer.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/crash/faults.h"

using namespace sluice;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kFeed = "test.example/feed";
constexpr UnixSeconds kDay = 86400, kNow = 20'000 * kDay;
constexpr int kNever = -1;

/// The authority, and where the gateway lives.
struct World {
  TempFolder folder;
  std::string live = (folder / "live").string();
  MinisignSecretKey desk = generate_minisign_key(), court = generate_minisign_key();
  KeyPair keys = key_pair();
  std::shared_ptr<const Guard> guard = std::make_shared<const Guard>(shipped_lists());
  Config config;

  World() {
    Root root;
    root.feed = kFeed;
    root.version = root.epoch = 1;
    root.expires = kNow + 1000 * kDay;
    root.keys = {{Party::Requester, "desk", public_key_of(desk)}, {Party::Independent, "court", public_key_of(court)}};
    root.thresholds = {{Party::Requester, 1}, {Party::Independent, 1}};
    config.feeds = {{kFeed, folder.write("root.json", write_root(root)).string(), {}}};
    config.state = live + "/state";
    config.compile_state = live + "/compile";
    config.compile_socket = (folder / "compile.sock").string();
    config.image_key = folder.write("image.pub", to_hex(keys.open)).string();
    fs::create_directories(config.compile_state);
    fs::create_directories(config.state + "/images");
  }

  static OrderWithTargets order(std::string id, std::vector<Target> targets) {
    return lawful(block(std::move(id), std::move(targets)), kNow - kDay, kNow + 100 * kDay);
  }
  /// Bundle 1 blocks always.example.org and old.example.org, bundle 2 always.example.org and new.example.org.
  void deliver(std::uint64_t seq) const {
    Snapshot content;
    content.header = {.feed = kFeed,
                      .epoch = 1,
                      .seq = seq,
                      .issued = kNow,
                      .expires = kNow + 10 * kDay,
                      .prev_sha256 = {},
                      .root = 1};
    content.orders = {
        order("A-100", {subtree("always.example.org")}),
        seq == 1 ? order("B-100", {exact("old.example.org")}) : order("C-100", {exact("new.example.org")})};
    const std::string text = write_snapshot(content);
    const Digests digests = digests_of(text);
    const std::string name = "live/state/inbox/b" + std::to_string(seq) + ".jsonl";
    folder.write(name, text);
    for (const auto* key : {&desk, &court}) {
      const auto signature = sign(*key, digests.blake2b, trusted_comment_for(content.header, digests.sha256));
      folder.write(name + "." + key_id(key->number) + ".minisig", write_signature(signature));
    }
  }
};

/// sluiced and sluice-compile at work on the live folder.
struct Running {
  const World& world;
  Disk disk;
  Store store{world.config.state, disk};
  Alarms alarms{store.alarms_file(), disk};
  Inbox inbox{world.config.state + "/inbox"};
  Ledger ledger{world.config, alarms};
  PacketPeer compiler{
      world.config.compile_socket, "", [this](const std::string& packet) {
        const auto request = read_request(packet);
        if (!request) return std::string();
        return write_answer(Compiler(world.config, world.guard, world.keys.secret, std::nullopt).run(*request, kNow));
      }};
  Intake intake{world.config,
                *world.guard,
                store,
                alarms,
                inbox,
                ledger,
                {[](const RulesView&) {}, [](const fs::path&, const std::string&) {}},
                kNever};

  explicit Running(const World& at) : world(at) { intake.recover(kNow); }
  void take_up() { (void)intake.take_up(kNow * 1'000'000'000, false); }
  [[nodiscard]] std::uint64_t seq() const {
    const auto& state = intake.view().feeds[0].state;
    return state ? state->seq : 0;
  }
};

bool blocks(const RuleSet* rules, std::string_view text) {
  if (rules == nullptr) return false;
  WireName name;
  assign(name, text);
  const Lookup lookup{&name, Method::Sni, 0};
  Decision decision;
  rules->lookup({&lookup, 1}, {&decision, 1}, kNow, 0);
  return decision.blocked();
}

/// Runs in a child; the text that it gives is what failed.
std::string in_child(const World& world, const std::function<std::string()>& act, bool& killed) {
  const std::string report = (world.folder / "report").string();
  fs::remove(report);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(1);
    std::string failed;
    try {
      failed = act();
    } catch (const std::exception& e) {
      failed = e.what();
    }
    (void)disarm();
    world.folder.write("report", failed);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  killed = WIFSIGNALED(status);
  return killed ? "" : world.folder.read("report");
}

struct Update {
  const char* name;
  ApplyPolicy policy;
  std::function<void(Running&)> prepare, act;
  bool new_in_force;  ///< at the end
};

const std::vector<Update>& updates() {
  const auto bundle = [](Running& r) {
    r.world.deliver(2);
    r.take_up();
  };
  const auto nothing = [](Running&) {};
  static const std::vector<Update> all{
      {"a bundle", ApplyPolicy::Direct, nothing, bundle, true},
      {"a staged bundle", ApplyPolicy::Manual, nothing, bundle, false},
      {"apply", ApplyPolicy::Manual, bundle,
       [](Running& r) { (void)r.intake.change([](const Stage& s) { return s.enforce(kFeed, {}, kNow, 0); }, kNow); },
       true},
      {"confirm", ApplyPolicy::Manual, bundle,
       [](Running& r) { (void)r.intake.change([](const Stage& s) { return s.confirm(kFeed); }, kNow); }, true},
      {"undo", ApplyPolicy::Direct, bundle,
       [](Running& r) { (void)r.intake.change([](const Stage& s) { return s.undo(kFeed, kNow); }, kNow); }, false},
      {"refuse", ApplyPolicy::Direct, nothing,
       [](Running& r) {
         (void)r.intake.change([](const Stage& s) { return s.refuse({kFeed, "B-100", "code", "why", kNow, 0}); }, kNow);
       },
       false}};
  return all;
}

/// What must hold after a crash, before and after sluiced is back.
std::string judge(const World& world, const Update& update) {
  const std::string image = world.folder.read("live/state/images/current.img");
  const auto standing = RuleSet::open({image.begin(), image.end()}, world.keys.open, 1);
  if (!standing) return "current.img does not open: " + std::string(to_string(standing.error()));
  if (!blocks(standing->get(), "always.example.org")) return "what stands in both is not in the image that was left";
  Running again(world);
  if (!blocks(again.intake.view().rules.get(), "always.example.org"))
    return "what stands in both ends with the restart";
  again.take_up();  // what still lies in the inbox
  const RuleSet* const rules = again.intake.view().rules.get();
  const std::uint64_t seq = again.seq();
  if (seq != 1 && seq != 2) return "neither bundle stands";
  if (rules == nullptr || rules->feeds()[0].seq != seq) return "the image is not of the bundle that stands";
  if (!blocks(rules, "always.example.org")) return "what stands in both is not blocked after the restart";
  if (again.store.state(kFeed)->seq != seq) return "the disk says something else";
  if (!again.intake.image_is_current() || again.intake.view().apply.image_due) return "the image is still due";
  const bool refused = !again.intake.view().apply.refused.empty();
  if (seq == 1 && blocks(rules, "old.example.org") == refused) return "the old bundle is not whole";
  const bool held = find_staged(again.intake.view().apply, kFeed) != nullptr &&
                    in_shadow(find_staged(again.intake.view().apply, kFeed)->phase);
  if (seq == 2 && blocks(rules, "new.example.org") == held) return "the new bundle is not as its stage says";
  if (std::string_view(update.name) == "refuse") return "";

  again.world.deliver(2);
  again.take_up();
  if (again.seq() != 2) return "the bundle is not taken when it comes again";
  for (const Alarm& alarm : again.alarms.list()) {
    if (alarm.code == "log-failed" || alarm.code == "equivocation" || alarm.code == "rollback") return alarm.code;
  }
  return "";
}

/// One round on a fresh copy of `before`; gives the number of calls that there were.
int round(const World& world, const Update& update, Fault fault, int at) {
  fs::remove_all(world.live);
  fs::copy(world.folder / "before", world.live, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  bool killed = false;
  const std::string failed = in_child(
      world,
      [&] {
        Running running(world);
        arm(world.live, fault, at);
        update.act(running);
        return std::to_string(disarm());
      },
      killed);
  INFO(update.name << ", fault " << static_cast<int>(fault) << " at " << at);
  bool never = false;
  const std::string wrong = in_child(world, [&] { return judge(world, update); }, never);
  REQUIRE(wrong == std::string());
  REQUIRE_FALSE(never);
  return killed ? -1 : std::atoi(failed.c_str());
}

void make_before(World& world, const Update& update) {
  fs::remove_all(world.live);
  fs::create_directories(world.config.compile_state);
  fs::create_directories(world.config.state + "/images");
  bool killed = false;
  const std::string failed = in_child(
      world,
      [&] {
        Running running(world);
        world.deliver(1);
        running.take_up();
        (void)running.intake.change([](const Stage& s) { return s.confirm(kFeed); }, kNow);
        if (running.seq() != 1) return std::string("the first bundle is not taken");
        update.prepare(running);
        return std::string();
      },
      killed);
  REQUIRE(failed.empty());
  REQUIRE_FALSE(killed);
  fs::remove_all(world.folder / "before");
  fs::copy(world.live, world.folder / "before", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
}

}  // namespace

TEST_CASE("crash: killed or hindered at any write, an update leaves the old rules or the new ones, never less") {
  const char* const asked = std::getenv("SLUICE_CRASH_ROUNDS");
  const int most = asked == nullptr ? 10 : std::atoi(asked);
  int rounds = 0;
  for (const Update& update : updates()) {
    World world;
    world.config.feeds[0].apply.policy = update.policy;
    make_before(world, update);
    const int calls = round(world, update, Fault::Kill, 1 << 30);
    REQUIRE(calls > 10);
    const int all = calls * kFaults;
    const int step = most == 0 || most >= all ? 1 : all / most;
    // Prime to the number of kinds, so that each kind meets calls of every sort.
    for (int i = 0; i < all; i += step) {
      (void)round(world, update, static_cast<Fault>((i + i / kFaults) % kFaults), i / kFaults);
      ++rounds;
    }
  }
  WARN(rounds << " rounds");
  CHECK(rounds > 30);
}
