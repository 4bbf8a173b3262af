#include "rules/compile/compiler.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "dataplane/match/matcher.h"
#include "rules/compile/image_key.h"
#include "rules/delta/delta.h"
#include "rules/sign/minisign.h"
#include "rules/text/root.h"
#include "tests/support/feeds.h"
#include "tests/support/temp_folder.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr UnixSeconds kDay = 86400;
constexpr UnixSeconds kNow = 20'000 * kDay;

/// A gateway's folder with one feed, and the authority's two keys.
struct Gateway {
  TempFolder folder;
  MinisignSecretKey desk = generate_minisign_key(), court = generate_minisign_key();
  std::vector<MinisignSecretKey> more;
  KeyPair keys = key_pair();
  Config config;

  explicit Gateway(std::string feed_name = "a.example/list") {
    Root root;
    root.feed = feed_name;
    root.version = 1;
    root.epoch = 1;
    root.expires = kNow + 1000 * kDay;
    root.keys = {{Party::Requester, "desk", public_key_of(desk)}, {Party::Independent, "court", public_key_of(court)}};
    root.thresholds = {{Party::Requester, 1}, {Party::Independent, 1}};
    config.feeds = {{feed_name, folder.write("root.json", write_root(root)).string(), {}}};
    std::filesystem::create_directories(folder / "state");
    std::filesystem::create_directories(folder / "out");
    config.compile_state = (folder / "state").string();
  }

  [[nodiscard]] Snapshot snapshot(std::uint64_t seq, std::string_view blocked_name) const {
    Snapshot out;
    out.header.feed = config.feeds[0].feed;
    out.header.epoch = 1;
    out.header.seq = seq;
    out.header.root = 1;
    out.header.issued = kNow;
    out.header.expires = kNow + 10 * kDay;
    out.orders.push_back(lawful(block("A-100", {subtree(blocked_name)}), kNow - kDay, kNow + 100 * kDay));
    return out;
  }

  /// Writes and signs a bundle; the request that hands it over.
  [[nodiscard]] CompileRequest offer(std::uint64_t seq, std::string_view blocked_name, std::uint64_t epoch = 1,
                                     std::uint64_t root = 1) const {
    Snapshot content = snapshot(seq, blocked_name);
    content.header.epoch = epoch;
    content.header.root = root;
    const std::string text = write_snapshot(content);
    return sign_all(text, trusted_comment_for(content.header, digests_of(text).sha256));
  }
  /// A text under a name of its own, signed by desk, court and `more`.
  [[nodiscard]] CompileRequest sign_all(const std::string& text, const std::string& comment) const {
    const Digests digests = digests_of(text);
    const std::string name = "signed-" + to_hex(digests.sha256);
    FeedBundle bundle{config.feeds[0].feed, {folder.write(name, text).string(), {}}};
    std::vector signers{desk, court};
    signers.insert(signers.end(), more.begin(), more.end());
    for (const MinisignSecretKey& key : signers) {
      const std::string file = name + "." + key_id(key.number) + ".minisig";
      const auto signature = sign(key, digests.blake2b, comment);
      bundle.paths.signatures.push_back(folder.write(file, write_signature(signature)).string());
    }
    return {{bundle}, (folder / "out").string()};
  }

  [[nodiscard]] CompileOutcome run(const CompileRequest& request, UnixSeconds now = kNow) const {
    static const auto kGuard = std::make_shared<const Guard>(shipped_lists());
    return Compiler(config, kGuard, keys.secret, std::nullopt).run(request, now);
  }
  /// "ok", or the code of the refusal.
  [[nodiscard]] std::string code(const CompileRequest& request, UnixSeconds now = kNow) const {
    const CompileOutcome outcome = run(request, now);
    return outcome.has_value() ? "ok" : outcome.error().code;
  }
  [[nodiscard]] std::size_t images() const {
    const auto files = std::filesystem::directory_iterator(folder / "out");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }
};

}  // namespace

TEST_CASE("compile: the image of a signed bundle opens with the key and blocks what was ordered") {
  const Gateway gateway;
  const CompileOutcome outcome = gateway.run(gateway.offer(1, "news.example.org"));
  REQUIRE(outcome.has_value());
  const std::string bytes = gateway.folder.read("out/" + outcome->sha256 + ".img");
  const auto rules = RuleSet::open({bytes.begin(), bytes.end()}, gateway.keys.open, 1);
  REQUIRE(rules.has_value());
  WireName name;
  assign(name, "www.news.example.org");
  const Lookup lookup{&name, Method::Sni, 0};
  Decision decision;
  (*rules)->lookup({&lookup, 1}, {&decision, 1}, kNow, 0);
  REQUIRE(decision.blocked());
  CHECK((*rules)->orders()[decision.order].authority == "Authority");
  CHECK((*rules)->feeds()[0].seq == 1);
  CHECK(to_hex((*rules)->image_sha256()) == outcome->sha256);
}

TEST_CASE("compile: refusals, shadows and stages of a request take away and never add") {
  const Gateway gateway;
  const auto said_of_order = [&](const CompileOutcome& outcome) -> std::string {
    if (!outcome.has_value()) return outcome.error().code;
    const std::string bytes = gateway.folder.read("out/" + outcome->sha256 + ".img");
    const auto rules = RuleSet::open({bytes.begin(), bytes.end()}, gateway.keys.open, 1);
    REQUIRE(rules.has_value());
    std::string said;
    for (const ImageOrder& order : (*rules)->orders()) said += order.shadow ? "shadow " : "enforced ";
    return said;
  };
  const CompileRequest plain = gateway.offer(1, "a.example.org");
  const std::string feed = plain.bundles[0].feed;
  const auto with = [&](CompileRequest request, auto&& change) {
    change(request);
    return said_of_order(gateway.run(request));
  };
  CHECK(said_of_order(gateway.run(plain)) == "enforced ");
  const std::string base = gateway.run(plain)->path;
  CHECK(with(plain, [&](auto& r) { r.refused = {{feed, "A-100"}, {feed, "NEVER-HEARD-OF"}}; }).empty());
  CHECK(with(plain, [&](auto& r) { r.shadow = {{feed, "A-100"}}; }) == "shadow ");
  CHECK(with(plain, [&](auto& r) { r.shadow = {{feed, ""}}; }) == "shadow ");
  CHECK(with(plain, [&](auto& r) { r.staged = {{feed, ""}}; }) == "shadow ");
  CHECK(with(plain, [&](auto& r) { r.staged = {{feed, base}}; }) == "enforced ");
  CHECK(with(gateway.offer(2, "b.example.org"), [&](auto& r) { r.staged = {{feed, base}}; }) == "shadow ");
  CHECK(with(gateway.offer(2, "b.example.org"), [&](auto& r) { r.refused = {{"other/feed", "A-100"}}; }) ==
        "malformed");
  CHECK(with(gateway.offer(2, "b.example.org"), [&](auto& r) { r.refused = {{feed, ""}}; }) == "malformed");
  CHECK(with(gateway.offer(2, "b.example.org"), [&](auto& r) { r.staged = {{feed, ""}, {feed, ""}}; }) == "malformed");
}

TEST_CASE("compile: what a guard refuses is left out, whoever asks and whoever signed") {
  const Gateway gateway;
  const CompileOutcome wide = gateway.run(gateway.offer(1, "com.pk"));
  REQUIRE(wide.has_value());
  CHECK(wide->orders == 0);
  CHECK(wide->names == 0);
  CHECK(wide->refused == 1);
  const CompileOutcome narrow = gateway.run(gateway.offer(2, "site.com.pk"));
  REQUIRE(narrow.has_value());
  CHECK(narrow->orders == 1);
  CHECK(narrow->refused == 0);
}

TEST_CASE("compile: a stage rests on images of its own signature alone") {
  const Gateway gateway;
  const CompileRequest plain = gateway.offer(1, "a.example.org");
  CompileRequest staged = plain;
  std::string image = gateway.folder.read("out/" + gateway.run(plain)->sha256 + ".img");
  image.back() = static_cast<char>(image.back() ^ 1);
  staged.staged = {{plain.bundles[0].feed, gateway.folder.write("forged.img", image).string()}};
  CHECK(gateway.code(staged) == "compile-failed");
  staged.staged = {{plain.bundles[0].feed, (gateway.folder / "missing.img").string()}};
  CHECK(gateway.code(staged) == "compile-failed");
}

TEST_CASE("compile: a request says what docs/interfaces.md lists, and nothing else") {
  const auto request = read_request(R"({"bundles":[],"out":"/o","refused":[{"feed":"f","order":"A-1"}],)"
                                    R"("shadow":[{"feed":"f"}],"staged":[{"feed":"f","base":"/b.img"},{"feed":"g"}]})");
  REQUIRE(request.has_value());
  CHECK((request->refused.at(0).feed == "f" && request->refused[0].order == "A-1"));
  CHECK(request->shadow.at(0).order.empty());
  CHECK(request->staged.at(0).base == "/b.img");
  CHECK(request->staged.at(1).base.empty());
  CHECK_FALSE(read_request(R"({"bundles":[],"out":"/o","staged":[{"feed":"f","why":"x"}]})").has_value());
}

TEST_CASE("compile: only a greater number or the same bundle is accepted, across restarts") {
  const Gateway gateway;
  const CompileRequest first = gateway.offer(5, "a.example.org");
  CHECK(gateway.code(first) == "ok");
  CHECK(gateway.code(first) == "ok");
  CHECK(gateway.images() == 1);
  CHECK(gateway.code(gateway.offer(4, "a.example.org")) == "rollback");
  CHECK(gateway.code(gateway.offer(5, "b.example.org")) == "equivocation");
  CHECK(gateway.images() == 1);
  CHECK(gateway.code(gateway.offer(6, "b.example.org")) == "ok");
  CHECK(gateway.code(first) == "rollback");
}

TEST_CASE("compile: an expired bundle goes on only where it was accepted before") {
  const Gateway gateway;
  const CompileRequest accepted = gateway.offer(1, "a.example.org");
  CHECK(gateway.code(accepted) == "ok");
  CHECK(gateway.code(accepted, kNow + 20 * kDay) == "ok");
  CHECK(gateway.code(gateway.offer(2, "a.example.org"), kNow + 20 * kDay) == "expired");
}

TEST_CASE("compile: half signed, foreign and unknown bundles are refused and leave no trace") {
  const Gateway gateway, other;
  CompileRequest half = gateway.offer(1, "a.example.org");
  half.bundles[0].paths.signatures.pop_back();
  CHECK(gateway.code(half) == "half-signed");
  CHECK(gateway.code(other.offer(1, "a.example.org")) == "unknown-key");
  CompileRequest unknown = gateway.offer(1, "a.example.org");
  unknown.bundles[0].feed = "b.example/list";
  CHECK(gateway.code(unknown) == "wrong-feed");
  CompileRequest twice = gateway.offer(1, "a.example.org");
  twice.bundles.push_back(twice.bundles[0]);
  CHECK(gateway.code(twice) == "malformed");
  CHECK(gateway.images() == 0);
  CHECK_FALSE(std::filesystem::exists(gateway.folder / "state/accepted.json"));
}

TEST_CASE("compile: a request may not leave out a feed that is enforced") {
  const Gateway gateway;
  const CompileRequest nothing{{}, (gateway.folder / "out").string()};
  CHECK(gateway.code(nothing) == "ok");
  CHECK(gateway.code(gateway.offer(1, "a.example.org")) == "ok");
  CHECK(gateway.code(nothing) == "rollback");
}

TEST_CASE("compile: nothing is compiled where its own memory cannot be read") {
  const Gateway gateway;
  const auto memory = GENERATE(R"({"schema":"sluice/accepted/2","feeds":[]})", R"({"schema":"sluice/accepted/1",)",
                               R"({"schema":"sluice/accepted/1","feeds":[{"feed":"a.example/list"}]})", "");
  gateway.folder.write("state/accepted.json", memory);
  CHECK(gateway.code(gateway.offer(1, "a.example.org")) == "compile-failed");
  CHECK(gateway.images() == 0);
}

TEST_CASE("compile: no image is named where it cannot be written") {
  const Gateway gateway;
  CompileRequest request = gateway.offer(1, "a.example.org");
  request.out = (gateway.folder / "missing").string();
  CHECK(gateway.code(request) == "compile-failed");
  CHECK_FALSE(std::filesystem::exists(gateway.folder / "state/accepted.json"));
}

TEST_CASE("image key: made once, read back only where nobody else can read it") {
  const TempFolder folder;
  const std::string secret = (folder / "image.key").string(), open = (folder / "image.pub").string();
  REQUIRE(make_image_key(secret, open).has_value());
  CHECK_FALSE(make_image_key(secret, open).has_value());
  const auto key = read_image_key(secret);
  REQUIRE(key.has_value());
  CHECK(folder.read("image.pub") == to_hex(Bytes(*key).subspan(32)) + "\n");
  ::chmod(secret.c_str(), 0640);
  CHECK_FALSE(read_image_key(secret).has_value());
  ::chmod(secret.c_str(), 0600);
  folder.write("image.key", std::string(63, '0'));
  CHECK_FALSE(read_image_key(secret).has_value());
}

TEST_CASE("compile: the snapshot of a signed delta is taken on the bundle that was accepted last") {
  const Gateway gateway;
  CHECK(gateway.code(gateway.offer(1, "a.example.org")) == "ok");
  const std::string base = write_snapshot(gateway.snapshot(1, "a.example.org"));
  const auto offer = [&](std::uint64_t seq, std::uint64_t on, const std::string& prev, std::string_view name) {
    Snapshot next = gateway.snapshot(seq, name);
    next.header.prev_sha256 = prev;
    const std::string result = write_snapshot(next);
    const BundleHeader header{*read_snapshot_header(result), DeltaBase{on, to_hex(digests_of(result).sha256)}};
    const std::string delta = write_delta(header, diff(*SnapshotText::read(base), *SnapshotText::read(result)));
    CompileRequest request = gateway.sign_all(delta, trusted_comment_for(header.snapshot, digests_of(delta).sha256));
    request.bundles[0].paths.delta = request.bundles[0].paths.bundle;
    request.bundles[0].paths.bundle = gateway.folder.write("result", result).string();
    return request;
  };
  const std::string sha256 = to_hex(digests_of(base).sha256);
  CHECK(gateway.code(offer(3, 2, sha256, "b.example.org")) == "delta-base");
  CHECK(gateway.code(offer(3, 1, std::string(64, 'a'), "b.example.org")) == "delta-base");
  const CompileRequest good = offer(2, 1, sha256, "b.example.org");
  gateway.folder.write("result", base);
  CHECK(gateway.code(good) == "delta-result");
  CHECK(gateway.code(offer(2, 1, sha256, "b.example.org")) == "ok");
  CHECK(gateway.code(offer(2, 1, sha256, "b.example.org")) == "ok");
  CHECK(gateway.code(offer(2, 1, sha256, "c.example.org")) == "equivocation");
}

TEST_CASE("compile: follows roots from its own pinned one, and remembers them") {
  Gateway gateway;
  const CompileRequest old = gateway.offer(1, "a.example.org");
  CHECK(gateway.code(old) == "ok");
  Root next = *read_root(gateway.folder.read("root.json"));
  next.version = 2;
  next.epoch = 2;
  const auto fresh = generate_minisign_key();
  next.keys.push_back({Party::Requester, "new desk", public_key_of(fresh)});
  next.thresholds[Party::Requester] = 2;
  const std::string text = write_root(next);
  const std::string comment = trusted_comment_for(next, digests_of(text).sha256);
  CompileRequest request = gateway.offer(1, "a.example.org", 2, 2);
  request.bundles[0].roots = {gateway.sign_all(text, comment).bundles[0].paths};
  CHECK(gateway.code(request) == "wrong-root");  // its own threshold is not met: root 1 stays
  gateway.more = {fresh};
  request = gateway.offer(1, "a.example.org", 2, 2);
  request.bundles[0].roots = {gateway.sign_all(text, comment).bundles[0].paths};
  CHECK(gateway.code(request) == "ok");
  request.bundles[0].roots.clear();
  CHECK(gateway.code(request) == "ok");  // the root is kept
  gateway.more.clear();
  CHECK(gateway.code(gateway.offer(2, "a.example.org", 1, 1)) == "half-signed");
  CHECK(gateway.code(old) == "half-signed");
}
