#include "control/verify/examine.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "rules/delta/delta.h"
#include "rules/sign/minisign.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/root.h"
#include "tests/support/temp_folder.h"

using namespace sluice;
using sluice::test::TempFolder;

namespace {

constexpr UnixSeconds kNow = 1'800'000'000;
const std::string kFeed = "pta.example/terror";

const Guard& guard() {
  static const Guard kGuard(shipped_lists());
  return kGuard;
}

/// A feed with two keys, and bundles of it on disk.
struct Authority {
  TempFolder folder;
  MinisignSecretKey requester = generate_minisign_key();
  MinisignSecretKey independent = generate_minisign_key();
  Config config;

  Authority() {
    const Root root{kFeed,
                    1,
                    1,
                    kNow + 1000,
                    {{Party::Requester, "Duty desk", public_key_of(requester)},
                     {Party::Independent, "Court registry", public_key_of(independent)}},
                    {{Party::Requester, 1}, {Party::Independent, 1}}};
    config.feeds.push_back({kFeed, folder.write("root.json", write_root(root)).string(), {}});
  }
  [[nodiscard]] static Snapshot snapshot(std::uint64_t seq) {
    Order order;
    order.id = "NCCIA-1";
    order.number = "1";
    order.effective = kNow - 10;
    order.expires = kNow + 1000;
    order.authority = "A";
    order.law = "L";
    order.reason["en"] = "R";
    order.appeal_url = "https://a.example/";
    Snapshot s;
    s.header = {kFeed, 1, seq, kNow - 10, kNow + 100, "", 1, 0, 0};
    s.orders.push_back(
        {order, {NameTarget{*canonical_name("a.example.org"), Scope::Exact}, PatternTarget{"x[0-9]\\.example\\.org"}}});
    return s;
  }
  [[nodiscard]] BundleFiles signed_by(const Snapshot& snapshot,
                                      const std::vector<const MinisignSecretKey*>& keys) const {
    const std::string text = write_snapshot(snapshot);
    return signed_text(text, trusted_comment_for(snapshot.header, digests_of(text).sha256), keys);
  }
  [[nodiscard]] BundleFiles signed_text(const std::string& text, const std::string& comment,
                                        const std::vector<const MinisignSecretKey*>& keys) const {
    const Digests digests = digests_of(text);
    BundleFiles files{folder.write("bundle.jsonl", text), {}};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto signature = sign(*keys[i], digests.blake2b, comment);
      files.signatures.push_back(folder.write(std::to_string(i) + ".minisig", write_signature(signature)));
    }
    return files;
  }
  [[nodiscard]] Memory memory(std::optional<FeedState> standing = {}) const {
    return {[standing](const std::string&) { return standing; },
            [this](const std::string&) { return folder / "roots"; },
            [this](const FeedState&) { return folder / "standing.jsonl"; }};
  }
  [[nodiscard]] Result<Examined, Refusal> judge(const BundleFiles& files,
                                                std::optional<FeedState> standing = {}) const {
    return examine(files, config, kNow, memory(std::move(standing)), guard());
  }
};

}  // namespace

TEST_CASE("examine: a bundle of both parties counts, with its orders, their targets and who signed") {
  const Authority a;
  const auto good = a.judge(a.signed_by(a.snapshot(5), {&a.requester, &a.independent}));
  REQUIRE(good.has_value());
  CHECK(good->header.seq == 5);
  CHECK(good->sha256.size() == 64);
  REQUIRE(good->orders.size() == 1);
  CHECK(good->orders[0].order.id == "NCCIA-1");
  CHECK(good->orders[0].targets == 2);
  CHECK(good->signers == std::vector<std::string>{"Duty desk (requester)", "Court registry (independent)"});
  CHECK_FALSE(good->unchanged);
}

TEST_CASE(
    "examine: against what stands: newer counts, the same is no event, another of that number and older are alarms") {
  const Authority a;
  const BundleFiles files = a.signed_by(a.snapshot(5), {&a.requester, &a.independent});
  const std::string sha256 = a.judge(files)->sha256;
  CHECK_FALSE(a.judge(files, FeedState{kFeed, 1, 4, std::string(64, 'a'), 0})->unchanged);
  CHECK(a.judge(files, FeedState{kFeed, 1, 5, sha256, 0})->unchanged);
  CHECK(a.judge(files, FeedState{kFeed, 1, 5, std::string(64, 'a'), 0}).error().code == "equivocation");
  CHECK(a.judge(files, FeedState{kFeed, 1, 6, sha256, 0}).error().code == "rollback");
  CHECK(a.judge(files, FeedState{kFeed, 2, 1, sha256, 0}).error().code == "rollback");
}

TEST_CASE("examine: an unsigned bundle cannot raise a rollback") {
  const Authority a;
  const auto refused = a.judge(a.signed_by(a.snapshot(5), {}), FeedState{kFeed, 1, 6, "", 0});
  CHECK(refused.error().code == "unsigned");
  CHECK(refused.error().may_complete);
}

TEST_CASE("examine: one party is not enough, yet; a feed that is not configured never is") {
  const Authority a;
  const auto half = a.judge(a.signed_by(a.snapshot(5), {&a.requester}));
  CHECK(half.error().code == "half-signed");
  CHECK(half.error().feed == kFeed);
  CHECK(half.error().may_complete);
  Snapshot other = a.snapshot(5);
  other.header.feed = "other.example/x";
  const auto foreign = a.judge(a.signed_by(other, {&a.requester, &a.independent}));
  CHECK(foreign.error().code == "wrong-feed");
  CHECK_FALSE(foreign.error().may_complete);
}

TEST_CASE("examine: a missing root, a missing bundle and a header that is none each have their code") {
  Authority a;
  const BundleFiles files = a.signed_by(a.snapshot(5), {&a.requester, &a.independent});
  CHECK(a.judge({a.folder / "missing", {}}).error().code == "unsigned");
  CHECK(a.judge({a.folder / "missing", files.signatures}).error().code == "unreadable");
  CHECK(a.judge({a.folder.write("junk", "junk\n"), files.signatures}).error().code == "bad-signature");
  a.config.feeds[0].root = "/nowhere";
  CHECK(a.judge(files).error().code == "wrong-root");
}

TEST_CASE("examine: limits of the configuration hold, and an expired bundle is new no more") {
  Authority a;
  const BundleFiles files = a.signed_by(a.snapshot(5), {&a.requester, &a.independent});
  a.config.limits.targets = 1;
  CHECK(a.judge(files).error().code == "too-large");
  a.config.limits = {};
  CHECK(examine(files, a.config, kNow + 200, a.memory(), guard()).error().code == "expired");
  const FeedState state{kFeed, 1, 5, a.judge(files)->sha256, 0, 1};
  CHECK(examine_standing(state, files, a.config, kNow + 200, a.memory(), guard()).has_value());
  const FeedState other{kFeed, 1, 5, std::string(64, 'a'), 0, 1};
  CHECK(examine_standing(other, files, a.config, kNow, a.memory(), guard()).error().code == "unreadable");
}

TEST_CASE("examine: where it cannot be told what stands, nothing counts, but not for good") {
  const Authority a;
  Memory spoiled = a.memory();
  spoiled.standing = [](const std::string&) -> std::optional<FeedState> { throw std::runtime_error("spoiled"); };
  const auto refused =
      examine(a.signed_by(a.snapshot(5), {&a.requester, &a.independent}), a.config, kNow, spoiled, guard());
  CHECK(refused.error().code == "unreadable");
  CHECK(refused.error().may_complete);
}

namespace {

/// A snapshot that stands, and what comes after it.
struct Standing : Authority {
  std::string text = write_snapshot(snapshot(5));
  FeedState state{kFeed, 1, 5, to_hex(digests_of(text).sha256), 0, 1};
  Snapshot next = snapshot(6);

  Standing() {
    folder.write("standing.jsonl", text);
    next.header.prev_sha256 = state.sha256;
    next.orders.push_back(next.orders[0]);
    next.orders[1].order.id = "NCCIA-2";
  }
  /// A delta from what stands to `next`, with both signatures.
  [[nodiscard]] BundleFiles delta() const {
    const std::string result = write_snapshot(next);
    const BundleHeader header{*read_snapshot_header(result), DeltaBase{5, to_hex(digests_of(result).sha256)}};
    const std::string changes = write_delta(header, diff(*SnapshotText::read(text), *SnapshotText::read(result)));
    return signed_text(changes, trusted_comment_for(header.snapshot, digests_of(changes).sha256),
                       {&requester, &independent});
  }
};

}  // namespace

TEST_CASE("examine: a delta on what stands gives the next snapshot, and the same again is no event") {
  const Standing s;
  const BundleFiles files = s.delta();
  const auto good = s.judge(files, s.state);
  REQUIRE(good.has_value());
  REQUIRE(good->applied.has_value());
  CHECK(good->applied->starts_with(write_snapshot(s.next).substr(0, 200)));
  CHECK(good->sha256 == to_hex(digests_of(*good->applied).sha256));
  CHECK(good->orders.size() == 2);
  CHECK(good->header.seq == 6);
  s.folder.write("standing.jsonl", *good->applied);
  CHECK(s.judge(files, FeedState{kFeed, 1, 6, good->sha256, 0, 1})->unchanged);
}

TEST_CASE("examine: a delta on another base waits for the snapshot") {
  const Standing s;
  const BundleFiles files = s.delta();
  for (const auto& stands : {std::optional<FeedState>(), std::optional(FeedState{kFeed, 1, 4, s.state.sha256, 0, 1}),
                             std::optional(FeedState{kFeed, 1, 5, std::string(64, 'a'), 0, 1})}) {
    const auto refused = s.judge(files, stands);
    CHECK(refused.error().code == "delta-base");
    CHECK(refused.error().may_complete);
  }
  s.folder.write("standing.jsonl", s.text + "\n");  // damaged on our disk
  CHECK(s.judge(files, s.state).error().code == "delta-base");
  CHECK(s.judge(files, FeedState{kFeed, 1, 7, s.state.sha256, 0, 1}).error().code == "rollback");
  CHECK(s.judge(files, FeedState{kFeed, 1, 6, s.state.sha256, 0, 1}).error().code == "equivocation");
}

namespace {

/// The authority's root, and the next of it.
struct Rotation : Authority {
  MinisignSecretKey fresh = generate_minisign_key();
  Root now = *read_root(folder.read("root.json"));
  Root next = now;

  Rotation() {
    next.version = 2;
    next.keys[0].key = public_key_of(fresh);
  }
  [[nodiscard]] BundleFiles files(const Root& root, const std::vector<const MinisignSecretKey*>& keys) const {
    const std::string text = write_root(root);
    return signed_text(text, trusted_comment_for(root, digests_of(text).sha256), keys);
  }
  /// "accepted", "unchanged", or the code of the refusal.
  [[nodiscard]] std::string code(const BundleFiles& root) const {
    const auto judged = examine_root(root, config, memory());
    if (!judged.has_value()) return judged.error().code;
    return judged->unchanged ? "unchanged" : "accepted";
  }
  void accept(const Root& root) const {
    std::filesystem::create_directories(folder / "roots");
    folder.write("roots/" + std::to_string(root.version) + ".json", write_root(root));
  }
};

}  // namespace

TEST_CASE("examine: a root follows with the thresholds of both, of the one before and its own") {
  const Rotation r;
  CHECK(r.code(r.files(r.next, {&r.requester, &r.independent, &r.fresh})) == "accepted");
  CHECK(r.code(r.files(r.next, {&r.requester, &r.independent})) == "unknown-key");
  CHECK(r.code(r.files(r.next, {&r.fresh, &r.independent})) == "unknown-key");
  CHECK(r.code(r.files(r.next, {&r.requester, &r.fresh})) == "unknown-key");
  CHECK(r.code(r.files(r.next, {&r.requester})) == "half-signed");
  CHECK(r.code(r.files(r.next, {})) == "unsigned");
  CHECK(r.code(r.files(r.now, {&r.requester, &r.independent})) == "unchanged");
}

TEST_CASE("examine: no root is left out, none comes twice, and an epoch goes up by one at most") {
  const Rotation r;
  const auto all = std::vector<const MinisignSecretKey*>{&r.requester, &r.independent, &r.fresh};
  Root third = r.next;
  third.version = 3;
  CHECK(r.code(r.files(third, all)) == "wrong-root");
  r.accept(r.next);
  CHECK(r.code(r.files(third, all)) == "accepted");
  CHECK(r.code(r.files(r.next, all)) == "unchanged");
  Root other = r.next;
  other.expires += 1;
  CHECK(r.code(r.files(other, all)) == "root-equivocation");
  CHECK(r.code(r.files(other, {&r.fresh, &r.independent})) == "unknown-key");
  other = r.now;
  other.expires += 1;
  CHECK(r.code(r.files(other, all)) == "root-rollback");
  third.epoch = 3;
  CHECK(r.code(r.files(third, all)) == "wrong-root");
  third.epoch = 2;
  CHECK(r.code(r.files(third, all)) == "accepted");
}

TEST_CASE("examine: what stands keeps the root that it was accepted under, what is new needs the current one") {
  const Rotation r;
  const BundleFiles old = r.signed_by(r.snapshot(5), {&r.requester, &r.independent});
  const FeedState state{kFeed, 1, 5, r.judge(old)->sha256, 0, 1};
  r.accept(r.next);
  CHECK(r.judge(old).error().code == "unknown-key");
  CHECK(r.judge(old).error().may_complete);
  CHECK(r.judge(old, state)->unchanged);
  CHECK(examine_standing(state, old, r.config, kNow, r.memory(), guard()).has_value());
  Snapshot fresh = r.snapshot(6);
  CHECK(r.judge(r.signed_by(fresh, {&r.fresh, &r.independent})).error().code == "wrong-root");
  fresh.header.root = 2;
  CHECK(r.judge(r.signed_by(fresh, {&r.fresh, &r.independent})).has_value());
}
