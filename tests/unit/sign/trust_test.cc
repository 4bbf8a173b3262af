#include "rules/sign/trust.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "rules/delta/delta.h"
#include "rules/sign/bundle_file.h"
#include "rules/sign/minisign.h"
#include "tests/unit/sign/scratch_dir.h"
#include "tests/unit/text/example_orders.h"

using namespace sluice;
using namespace sluice::test;

namespace {

const UnixSeconds kNow = *parse_rfc3339("2026-11-05T00:00:00Z");

/// A feed with two requesters, one independent party and one operator, and a bundle of it.
struct World {
  MinisignSecretKey requester = generate_minisign_key(), second = generate_minisign_key();
  MinisignSecretKey independent = generate_minisign_key(), op = generate_minisign_key();
  Root root;
  std::string text = write_snapshot(snapshot_of({full_order(), small_order()}));
  Digests digests = digests_of(text);
  SnapshotHeader header = read_snapshot_header(text).value();

  World() {
    root.feed = "pta.example/terror";
    root.version = 3;
    root.epoch = 1;
    root.expires = *parse_rfc3339("2027-11-01T00:00:00Z");
    root.keys = {{Party::Requester, "duty desk", public_key_of(requester)},
                 {Party::Requester, "second desk", public_key_of(second)},
                 {Party::Independent, "court", public_key_of(independent)},
                 {Party::Operator, "noc", public_key_of(op)}};
    root.thresholds = {{Party::Requester, 1}, {Party::Independent, 1}};
  }

  [[nodiscard]] SignatureFile signed_by(const MinisignSecretKey& key, std::string comment) const {
    return {"x.minisig", write_signature(sign(key, digests.blake2b, std::move(comment)))};
  }
  [[nodiscard]] SignatureFile signed_by(const MinisignSecretKey& key) const {
    return signed_by(key, trusted_comment_for(header, digests.sha256));
  }
  [[nodiscard]] Result<Verified, TrustFailure> judge(const std::vector<SignatureFile>& signatures,
                                                     UnixSeconds now = kNow,
                                                     WhenExpired when_expired = WhenExpired::Refuse) const {
    const auto by = verify_signatures(root, digests.blake2b, signatures);
    if (!by.has_value()) return std::unexpected(by.error());
    return judge_header(root, {header, std::nullopt}, digests, *by, now, when_expired);
  }
  [[nodiscard]] std::string code(const std::vector<SignatureFile>& signatures, UnixSeconds now = kNow) const {
    const auto judged = judge(signatures, now);
    return judged.has_value() ? "verified" : std::string(to_string(judged.error().error));
  }
};

}  // namespace

TEST_CASE("trust: a requester and an independent party make a bundle count") {
  const World w;
  const auto verified = w.judge({w.signed_by(w.independent), w.signed_by(w.requester)});
  REQUIRE(verified.has_value());
  CHECK(verified->signers == std::vector<std::size_t>{0, 2});
  CHECK(verified->header == w.header);
  CHECK_FALSE(verified->expired);
}

TEST_CASE("trust: no signature is unsigned") {
  const World w;
  CHECK(w.code({}) == "unsigned");
}

TEST_CASE("trust: too few parties is half-signed, whatever the number of keys or files") {
  const World w;
  CHECK(w.code({w.signed_by(w.requester)}) == "half-signed");
  CHECK(w.code({w.signed_by(w.independent)}) == "half-signed");
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.requester)}) == "half-signed");
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.second)}) == "half-signed");
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.op)}) == "half-signed");
}

TEST_CASE("trust: every party's threshold must be met") {
  World w;
  w.root.thresholds[Party::Requester] = 2;
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.independent)}) == "half-signed");
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.requester), w.signed_by(w.independent)}) == "half-signed");
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.second), w.signed_by(w.independent)}) == "verified");
  w.root.thresholds[Party::Operator] = 1;
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.second), w.signed_by(w.independent)}) == "half-signed");
}

TEST_CASE("trust: two parties and an independent one are needed even where a root asks for less") {
  World w;
  w.root.thresholds = {{Party::Independent, 1}};
  CHECK(w.code({w.signed_by(w.independent)}) == "half-signed");
  CHECK(w.code({w.signed_by(w.independent), w.signed_by(w.op)}) == "verified");
  w.root.thresholds = {{Party::Requester, 1}, {Party::Operator, 1}};
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.op)}) == "half-signed");
  w.root.thresholds = {};
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.op)}) == "half-signed");
}

TEST_CASE("trust: keys that the root does not list do not count") {
  const World w;
  const auto stranger = generate_minisign_key();
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(stranger)}) == "unknown-key");
  auto impostor = stranger;
  impostor.number = w.independent.number;
  CHECK(w.code({w.signed_by(w.requester), w.signed_by(impostor)}) == "bad-signature");
}

TEST_CASE("trust: a signature of another text is bad") {
  const World w;
  World other;
  other.root = w.root;
  other.text += "x";
  other.digests = digests_of(other.text);
  CHECK(w.code({w.signed_by(w.requester), other.signed_by(w.independent)}) == "bad-signature");
}

TEST_CASE("trust: the trusted comment must say what the body says") {
  const World w;
  const std::string hash = to_hex(w.digests.sha256);
  for (const std::string& comment : {std::string(), "feed=pta.example/other epoch=1 seq=812 sha256=" + hash,
                                     "feed=pta.example/terror epoch=2 seq=812 sha256=" + hash,
                                     "feed=pta.example/terror epoch=1 seq=813 sha256=" + hash,
                                     "feed=pta.example/terror epoch=1 seq=812 sha256=" + std::string(64, '0'),
                                     "feed=pta.example/terror epoch=1 seq=812 sha256=" + hash + " "}) {
    CAPTURE(comment);
    CHECK(w.code({w.signed_by(w.requester), w.signed_by(w.independent, comment)}) == "bad-signature");
  }
  CHECK(w.code({w.signed_by(w.requester),
                w.signed_by(w.independent, "feed=pta.example/terror epoch=1 seq=812 sha256=" + hash)}) == "verified");
}

TEST_CASE("trust: a file that somebody adds cannot undo a good bundle") {
  const World w;
  const auto stranger = generate_minisign_key();
  CHECK(w.code({{"junk", "junk"},
                w.signed_by(stranger),
                w.signed_by(w.op, "wrong"),
                w.signed_by(w.requester),
                w.signed_by(w.independent)}) == "verified");
}

TEST_CASE("trust: a signature file that is none is bad-signature where the rest does not suffice") {
  const World w;
  CHECK(w.code({{"junk", "junk"}, w.signed_by(w.requester)}) == "bad-signature");
}

TEST_CASE("trust: a bundle of another feed, root or epoch does not count") {
  World w;
  const auto both = std::vector{w.signed_by(w.requester), w.signed_by(w.independent)};
  w.root.feed = "pta.example/other";
  CHECK(w.code(both) == "wrong-feed");
  w.root.feed = w.header.feed;
  w.root.version = 4;
  CHECK(w.code(both) == "wrong-root");
  w.root.version = 3;
  w.root.epoch = 2;
  CHECK(w.code(both) == "wrong-root");
}

TEST_CASE("trust: bundle and root expire with the second they name") {
  World w;
  const auto both = std::vector{w.signed_by(w.requester), w.signed_by(w.independent)};
  CHECK(w.code(both, w.header.expires - 1) == "verified");
  CHECK(w.code(both, w.header.expires) == "expired");
  w.root.expires = kNow;
  CHECK(w.code(both, kNow - 1) == "verified");
  CHECK(w.code(both, kNow) == "expired");
  const auto kept = w.judge(both, kNow, WhenExpired::Accept);
  REQUIRE(kept.has_value());
  CHECK(kept->expired);
}

namespace {

struct Files : World {
  ScratchDir dir;
  BundlePaths paths;

  Files() { put(text); }
  void put(const std::string& body) {
    paths = {dir.write("b.jsonl", body), {}, {}};
    sign_as(body, header);
  }
  void sign_as(const std::string& body, const SnapshotHeader& claimed) {
    digests = digests_of(body);
    header = claimed;
    paths.signatures = {dir.write("1.minisig", signed_by(requester).text),
                        dir.write("2.minisig", signed_by(independent).text)};
  }
  [[nodiscard]] std::string code(const BundleLimits& limits = {}) const {
    const auto read = read_verified_bundle(root, paths, limits, kNow);
    return read.has_value() ? "verified" : std::string(to_string(read.error().error));
  }
};

}  // namespace

TEST_CASE("bundle file: read, hashed and verified in one pass") {
  const Files f;
  const auto read = read_verified_bundle(f.root, f.paths, {}, kNow);
  REQUIRE(read.has_value());
  CHECK(read->verified.sha256 == f.digests.sha256);
  CHECK(read->snapshot.header == f.header);
  CHECK(read->snapshot.orders == std::vector<OrderWithTargets>{full_order(), small_order()});
}

TEST_CASE("bundle file: each way of being bad has its own code") {
  Files f;
  CHECK(f.code({f.text.size() - 1, 100, 100}) == "too-large");
  CHECK(f.code({1'000'000, 1, 100}) == "too-large");
  f.put(f.text + "junk\n");
  CHECK(f.code() == "malformed");
  f.put(f.text.substr(0, f.text.size() - 3));
  CHECK(f.code() == "malformed");
  f.put(f.text.substr(0, f.text.rfind('{')));
  CHECK(f.code() == "malformed");  // an order without its target
  f.put(f.text + "{\"p\":\"x\"}\n");
  CHECK(f.code() == "counts");
  f.put(f.text);
  CHECK(f.code() == "verified");
  f.dir.write("b.jsonl", f.text.substr(0, f.text.find("Agency")) + "agency" + f.text.substr(f.text.find("Agency") + 6));
  CHECK(f.code() == "bad-signature");
  f.paths.bundle = f.dir.path("absent");
  CHECK(f.code() == "unreadable");
  f.paths.signatures.clear();
  CHECK(f.code() == "unsigned");
}

TEST_CASE("bundle file: a pattern that could match half of the web is malformed, whoever signed it") {
  Files f;
  const auto code_with = [&](std::string pattern) {
    OrderWithTargets order = small_order();
    order.targets.push_back(PatternTarget{std::move(pattern)});
    f.put(write_snapshot(snapshot_of({full_order(), std::move(order)})));
    return f.code();
  };
  CHECK(code_with("mirror[0-9]{1,3}\\.example\\.com") == "verified");
  CHECK(code_with(".*") == "malformed");
  CHECK(code_with("[^x]*\\.com") == "malformed");
  CHECK(code_with("news.example\\.com") == "malformed");
}

TEST_CASE("bundle file: folders and FIFOs are refused at once, as signatures they count for nothing") {
  Files f;
  f.paths.bundle = f.dir.path("fifo");
  REQUIRE(::mkfifo(f.paths.bundle.c_str(), 0600) == 0);
  CHECK(f.code() == "unreadable");
  f.paths.bundle = f.dir.path("");
  CHECK(f.code() == "unreadable");
  f.put(f.text);
  f.paths.signatures.push_back(f.dir.write("3.minisig", std::string(kMaxMinisignBytes + 1, 'x')));
  f.paths.signatures.push_back(f.dir.path("fifo"));
  f.paths.signatures.push_back(f.dir.path("absent"));
  CHECK(f.code() == "verified");
  f.paths.signatures.erase(f.paths.signatures.begin());
  CHECK(f.code() == "bad-signature");
}

namespace {

/// A snapshot that stands, and a signed delta on it that brings one more order.
struct DeltaFiles : Files {
  std::string base = write_snapshot(snapshot_of({small_order("AAA-1")}));
  std::string result, delta;

  DeltaFiles() {
    Snapshot next = snapshot_of({small_order("AAA-1"), small_order("BBB-1")});
    next.header.seq = 813;
    next.header.prev_sha256 = to_hex(digests_of(base).sha256);
    result = write_snapshot(next);
    write(to_hex(digests_of(result).sha256));
    paths.bundle = dir.write("b.jsonl", result);
  }
  void write(const std::string& result_sha256) {
    const BundleHeader head{*read_snapshot_header(result), DeltaBase{812, result_sha256}};
    delta = write_delta(head, diff(*SnapshotText::read(base), *SnapshotText::read(result)));
    paths.delta = dir.write("d.jsonl", delta);
    sign_as(delta, head.snapshot);
  }
  [[nodiscard]] Result<VerifiedArrival, TrustFailure> arrive() const {
    return verify_arrival(root, paths.delta, *load_signatures(paths.signatures), {}, kNow);
  }
};

}  // namespace

TEST_CASE("delta file: the snapshot that a signed delta names counts as if it were signed itself") {
  DeltaFiles f;
  const auto read = read_verified_bundle(f.root, f.paths, {}, kNow);
  REQUIRE(read.has_value());
  CHECK(read->verified.sha256 == digests_of(f.result).sha256);
  CHECK(read->verified.delta->seq == 812);
  CHECK(read->snapshot.orders.size() == 2);
  const auto arrived = f.arrive();
  REQUIRE(arrived.has_value());
  CHECK(result_of(*arrived, f.base, {}).value() == f.result);
  f.dir.write("b.jsonl", f.base);
  CHECK(f.code() == "delta-result");
  f.dir.write("b.jsonl", f.result + "\n");
  CHECK(f.code() == "delta-result");
}

TEST_CASE("delta file: another result than was signed, or a base that does not fit, is refused") {
  DeltaFiles f;
  const auto outcome = [&](std::string_view base) {
    const auto arrived = f.arrive();
    REQUIRE(arrived.has_value());
    const auto result = result_of(*arrived, base, {});
    return result.has_value() ? "applied" : std::string(to_string(result.error().error));
  };
  CHECK(outcome(f.base) == "applied");
  CHECK(outcome(f.result) == "delta-result");  // the order is there already
  CHECK(outcome("{}\njunk\n") == "delta-base");
  f.write(std::string(64, '0'));
  CHECK(outcome(f.base) == "delta-result");
  CHECK(f.code() == "delta-result");
}

TEST_CASE("delta file: a delta does not pass for a snapshot, nor a snapshot for a delta") {
  DeltaFiles f;
  f.paths.bundle = f.paths.delta;
  f.paths.delta.clear();
  CHECK(f.code() == "malformed");
  f.header = *read_snapshot_header(f.text);
  f.put(f.text);
  f.paths.delta = f.paths.bundle;
  CHECK(f.code() == "malformed");
}

TEST_CASE("bundle file: not a byte is parsed before the signatures suffice") {
  Files f;
  f.put("{\"schema\":");
  CHECK(f.code() == "malformed");  // signed garbage is read, and refused
  f.dir.write("b.jsonl", "{\"schema\":\"sluice/bundle/1\",");
  CHECK(f.code() == "bad-signature");  // unsigned garbage is not even read
  f.paths.signatures.pop_back();
  f.put(f.text);
  f.paths.signatures.pop_back();
  CHECK(f.code() == "half-signed");
}

TEST_CASE("claim: what a trusted comment says is read strictly") {
  const std::string hash(64, 'a');
  const auto bundle = read_claim("feed=a/b epoch=1 seq=18446744073709551615 sha256=" + hash);
  REQUIRE(bundle.has_value());
  CHECK(*bundle == Claim{"a/b", 1, 18446744073709551615U, 0, hash});
  const auto root = read_claim("feed=a/b root=7 sha256=" + hash);
  REQUIRE(root.has_value());
  CHECK(*root == Claim{"a/b", 0, 0, 7, hash});
  for (const std::string& bad :
       {std::string(), "feed=a/b epoch=1 seq=2 sha256=" + hash + " ", "feed=a/b epoch=01 seq=2 sha256=" + hash,
        "feed=a/b epoch=1 seq=2 root=3 sha256=" + hash, "feed=a/b seq=2 epoch=1 sha256=" + hash,
        "feed=A epoch=1 seq=2 sha256=" + hash, "feed=a/b epoch=1 seq=18446744073709551616 sha256=" + hash,
        "feed=a/b epoch=1 seq=2 sha256=" + hash.substr(1), "feed=a/b  epoch=1 seq=2 sha256=" + hash}) {
    CAPTURE(bad);
    CHECK_FALSE(read_claim(bad).has_value());
  }
}

TEST_CASE("bundle file: where reading went wrong is told with line and column") {
  Files f;
  f.put(f.text.substr(0, f.text.rfind('}')) + ",\"x\":1}\n");
  const auto read = read_verified_bundle(f.root, f.paths, {}, kNow);
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().detail == f.paths.bundle + ":7:27: unknown field \"x\"");
}
