#include "control/verify/examine.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "rules/sign/minisign.h"
#include "rules/text/bundle_jsonl.h"
#include "rules/text/root.h"
#include "tests/support/temp_folder.h"

using namespace sluice;
using sluice::test::TempFolder;

namespace {

constexpr UnixSeconds kNow = 1'800'000'000;
const std::string kFeed = "pta.example/terror";

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
    const Digests digests = digests_of(text);
    BundleFiles files{folder.write("bundle.jsonl", text), {}};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto signature = sign(*keys[i], digests.blake2b, trusted_comment_for(snapshot.header, digests.sha256));
      files.signatures.push_back(folder.write(std::to_string(i) + ".minisig", write_signature(signature)));
    }
    return files;
  }
  [[nodiscard]] Result<Examined, Refusal> judge(const BundleFiles& files,
                                                std::optional<FeedState> standing = {}) const {
    return examine(files, config, kNow, [&](const std::string&) { return standing; });
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
  CHECK(a.judge({a.folder / "missing", {}}).error().code == "unreadable");
  CHECK(a.judge({a.folder.write("junk", "junk\n"), files.signatures}).error().code == "malformed");
  a.config.feeds[0].root = "/nowhere";
  CHECK(a.judge(files).error().code == "wrong-root");
}

TEST_CASE("examine: limits of the configuration hold, and an expired bundle is new no more") {
  Authority a;
  const BundleFiles files = a.signed_by(a.snapshot(5), {&a.requester, &a.independent});
  a.config.limits.targets = 1;
  CHECK(a.judge(files).error().code == "too-large");
  a.config.limits = {};
  const auto late = examine(files, a.config, kNow + 200, [](const std::string&) { return std::optional<FeedState>(); });
  CHECK(late.error().code == "expired");
  const auto stands = examine(
      files, a.config, kNow + 200, [](const std::string&) { return std::optional<FeedState>(); }, WhenExpired::Accept);
  CHECK(stands.has_value());
}

TEST_CASE("examine: where it cannot be told what stands, nothing counts, but not for good") {
  const Authority a;
  const auto refused =
      examine(a.signed_by(a.snapshot(5), {&a.requester, &a.independent}), a.config, kNow,
              [](const std::string&) -> std::optional<FeedState> { throw std::runtime_error("spoiled"); });
  CHECK(refused.error().code == "unreadable");
  CHECK(refused.error().may_complete);
}
