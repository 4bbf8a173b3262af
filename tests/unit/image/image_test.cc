#include <catch2/catch.hpp>

#include <cstring>
#include <functional>

#include "rules/image/assemble.h"
#include "rules/image/build.h"
#include "rules/image/reader.h"
#include "tests/support/feeds.h"

using namespace sluice;
using namespace sluice::test;

namespace {

std::vector<Feed> example_feeds() {
  return {feed("b.example/own", {.priority = 9, .external = false}, {allow("OWN-1", {exact("ok.example.org")})}),
          feed("a.example/list", {.priority = 5, .external = true},
               {block("A-2", {subtree("example.org"), exact("www.example.net"), pattern("m[0-9]+\\.example\\.com")}),
                block("A-1", {subtree("example.org"), exact("x.y.z.example.info")})})};
}

std::vector<std::uint8_t> example_image(MatchEngine engine = MatchEngine::Table) {
  auto image = build_image(example_feeds(), {engine, {}}, key_pair().secret);
  REQUIRE(image.has_value());
  return *image;
}

ImageHeader header_of(const std::vector<std::uint8_t>& image) {
  ImageHeader header;
  std::memcpy(&header, image.data(), sizeof header);
  return header;
}

std::string opening(const std::vector<std::uint8_t>& image, const Ed25519PublicKey& key = key_pair().open) {
  const auto view = ImageView::open(image, key);
  return view.has_value() ? "fine" : std::string(to_string(view.error()));
}

/// The image with one thing changed, signed and hashed anew: as a writer gone wrong would make it.
template <class Record>
std::string opening_with(Section section, const std::function<void(Record&)>& change, std::size_t index = 0) {
  std::vector<std::uint8_t> image = example_image();
  std::uint8_t* const at =
      image.data() + header_of(image).sections[static_cast<std::size_t>(section)].offset + index * sizeof(Record);
  Record record;
  std::memcpy(&record, at, sizeof record);
  change(record);
  std::memcpy(at, &record, sizeof record);
  seal_image(image, key_pair().secret);
  return opening(image);
}
std::string opening_with(const std::function<void(ImageHeader&)>& change) {
  std::vector<std::uint8_t> image = example_image();
  ImageHeader header = header_of(image);
  change(header);
  std::memcpy(image.data(), &header, sizeof header);
  seal_image(image, key_pair().secret);
  return opening(image);
}

}  // namespace

TEST_CASE("image: what was built opens, with feeds and orders in their order") {
  const std::vector<std::uint8_t> image = example_image();
  const auto view = ImageView::open(image, key_pair().open);
  REQUIRE(view.has_value());
  REQUIRE(view->feeds().size() == 2);
  CHECK(view->feed(0).name == "b.example/own");
  CHECK(view->feed(1).external);
  REQUIRE(view->orders().size() == 3);
  CHECK(view->order(0).id == "OWN-1");
  CHECK(view->order(1).id == "A-1");
  CHECK(view->order(2).id == "A-2");
  CHECK(view->header().names == 4);
  CHECK(view->header().patterns == 1);
}

TEST_CASE("image: the same feeds give the same bytes, in whatever order they come") {
  const auto engine = GENERATE(MatchEngine::Table, MatchEngine::Hyperscan);
  std::vector<Feed> turned = example_feeds();
  std::reverse(turned.begin(), turned.end());
  const auto image = build_image(turned, {engine, {}}, key_pair().secret);
  REQUIRE(image.has_value());
  CHECK(*image == example_image(engine));
}

TEST_CASE("image: an order in shadow says so, behind what is enforced of it; an allow never does") {
  Feed shadowed = feed(
      "f", {},
      {block("A-1", {exact("a.org"), exact("b.org")}), allow("B-1", {exact("c.org")}), block("A-1", {exact("a.org")})});
  shadowed.shadow = {0, 1};
  const auto image = build_image({&shadowed, 1}, {}, key_pair().secret);
  REQUIRE(image.has_value());
  const auto view = ImageView::open(*image, key_pair().open);
  REQUIRE(view.has_value());
  REQUIRE(view->orders().size() == 3);
  CHECK((view->order(0).id == "A-1" && !view->order(0).shadow));
  CHECK((view->order(1).id == "A-1" && view->order(1).shadow));
  CHECK((view->order(2).id == "B-1" && !view->order(2).shadow));
}

TEST_CASE("image: one of the version before opens, and nothing in it is in shadow") {
  std::vector<std::uint8_t> image = example_image();
  image[offsetof(ImageHeader, version)] = kOldestImageVersion;
  seal_image(image, key_pair().secret);
  const auto view = ImageView::open(image, key_pair().open);
  REQUIRE(view.has_value());
  for (std::size_t i = 0; i < view->orders().size(); ++i) CHECK_FALSE(view->order(i).shadow);
}

TEST_CASE("image: the names table is seeded from the snapshots") {
  Sha256 one{}, two{};
  two[5] = 1;
  const auto first = build_image(example_feeds(), {MatchEngine::Table, {one, one}}, key_pair().secret);
  const auto second = build_image(example_feeds(), {MatchEngine::Table, {one, two}}, key_pair().secret);
  CHECK(header_of(*first).hash_seed != header_of(*second).hash_seed);
}

TEST_CASE("image: what cannot be enforced as it stands is not built") {
  const auto refusal = [](const std::vector<Feed>& feeds, MatchEngine engine = MatchEngine::Table) {
    const auto image = build_image(feeds, {engine, {}}, key_pair().secret);
    return image.has_value() ? "fine" : std::string(to_string(image.error().code));
  };
  const auto of_pattern = [&](const char* text) { return refusal({feed("f", {}, {block("A-1", {pattern(text)})})}); };
  CHECK(of_pattern("a{1,3}\\.org") == "fine");
  CHECK(of_pattern("a(") == "bad-pattern");
  CHECK(of_pattern("a)|(?:b") == "bad-pattern");
  CHECK(of_pattern("(?x)a # b") == "bad-pattern");
  CHECK(of_pattern("(a)\\1") == "bad-pattern");
  CHECK(refusal({feed("f", {}, {}), feed("f", {}, {})}) == "duplicate-feed");
  CHECK(refusal({feed("f", {}, {block("A-1", {}), block("A-1", {})})}) == "duplicate-order");
  std::vector<Feed> many;
  for (std::size_t i = 0; i <= kMaxFeeds; ++i) many.push_back(feed("f" + std::to_string(i), {}, {}));
  CHECK(refusal(many) == "too-many-feeds");
  std::vector<Target> targets;
  for (std::size_t i = 0; i <= kMaxHyperscanTargets; ++i) targets.push_back(exact("n" + std::to_string(i) + ".org"));
  CHECK(refusal({feed("f", {}, {block("A-1", targets)})}, MatchEngine::Hyperscan) == "too-many-targets");
}

TEST_CASE("image: every changed byte and every truncation is found out") {
  const std::vector<std::uint8_t> image = example_image();
  const auto key = key_pair().open;
  for (std::size_t i = 0; i < image.size(); ++i) {
    std::vector<std::uint8_t> changed = image;
    changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1U << (i % 8)));
    INFO("byte " << i);
    const std::string expected = i < 8                     ? "bad-magic"
                                 : i < 16                  ? "bad-version"
                                 : i < sizeof(ImageHeader) ? "bad-signature"
                                                           : "bad-hash";
    REQUIRE(opening(changed, key) == expected);
  }
  for (std::size_t n = 0; n < image.size(); ++n) {
    REQUIRE(opening({image.begin(), image.begin() + static_cast<std::ptrdiff_t>(n)}) == "truncated");
  }
  std::vector<std::uint8_t> longer = image;
  longer.resize(longer.size() + kSectionAlign);
  CHECK(opening(longer) == "bad-hash");
  CHECK(opening(image, key_pair(2).open) == "bad-signature");
}

TEST_CASE("image: a signed header that lies about the body is refused") {
  const auto section = [](Section which, auto change) {
    return opening_with([&](ImageHeader& header) { change(header.sections[static_cast<std::size_t>(which)]); });
  };
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    INFO("section " << i);
    const auto which = static_cast<Section>(i);
    CHECK(section(which, [](SectionRecord& s) { s.offset += kSectionAlign; }) == "bad-section");
    CHECK(section(which, [](SectionRecord& s) { s.bytes += kSectionAlign; }) == "bad-section");
    CHECK(section(which, [](SectionRecord& s) { s.bytes = ~0ULL; }) == "bad-section");
    CHECK(section(which, [](SectionRecord& s) { s.offset = ~0ULL - 63; }) == "bad-section");
    CHECK(section(which, [](SectionRecord& s) { s.count += 1; }) == "bad-section");
  }
  CHECK(opening_with([](ImageHeader& h) { h.engine = 2; }) == "bad-section");
  CHECK(opening_with([](ImageHeader& h) { h.engine = 1; }) == "bad-section");
  CHECK(opening_with([](ImageHeader& h) { h.max_probe = kMaxProbe + 1; }) == "bad-section");
  CHECK(opening_with([](ImageHeader& h) { h.names += 1; }) == "bad-section");
  CHECK(opening_with([](ImageHeader& h) { h.patterns += 1; }) == "bad-section");
  CHECK(opening_with([](ImageHeader& h) { h.single_label = 2; }) == "bad-section");
  CHECK(opening_with([](ImageHeader& h) { h.patterns_sha256[0] ^= 1; }) == "bad-pattern-db");
  CHECK(opening_with([](ImageHeader& h) { h.file_bytes += kSectionAlign; }) == "truncated");
  CHECK(opening_with([](ImageHeader& h) { h.file_bytes -= kSectionAlign; }) == "bad-section");
  CHECK(opening_with([](ImageHeader& h) { h.version = kImageVersion + 1; }) == "bad-version");
  CHECK(opening_with([](ImageHeader& h) { h.version = kOldestImageVersion - 1; }) == "bad-version");
}

TEST_CASE("image: an index, offset or text that points nowhere is refused") {
  CHECK(opening_with<FeedRecord>(Section::Feeds, [](FeedRecord& f) { f.name.offset = 1U << 30; }) == "bad-index");
  CHECK(opening_with<FeedRecord>(Section::Feeds, [](FeedRecord& f) { f.external = 2; }) == "bad-index");
  CHECK(opening_with<OrderRecord>(Section::Orders, [](OrderRecord& o) { o.feed = 2; }) == "bad-index");
  CHECK(opening_with<OrderRecord>(Section::Orders, [](OrderRecord& o) { o.action = 2; }) == "bad-index");
  CHECK(opening_with<OrderRecord>(Section::Orders, [](OrderRecord& o) { o.methods = 16; }) == "bad-index");
  CHECK(opening_with<OrderRecord>(Section::Orders, [](OrderRecord& o) { o.qtypes = 2; }) == "bad-index");
  CHECK(opening_with<OrderRecord>(Section::Orders, [](OrderRecord& o) { o.shadow = 2; }) == "bad-index");
  CHECK(opening_with<OrderRecord>(Section::Orders, [](OrderRecord& o) {
          o.action = static_cast<std::uint8_t>(OrderAction::Allow);
          o.shadow = 1;
        }) == "bad-index");
  CHECK(opening_with<OrderRecord>(Section::Orders, [](OrderRecord& o) { o.id.bytes = ~0U; }) == "bad-index");
  CHECK(opening_with<OrderRecord>(Section::Orders, [](OrderRecord& o) { o.appeal_url = {~0U, ~0U}; }) == "bad-index");
  CHECK(opening_with<char>(Section::Strings, [](char& c) { c = '\xff'; }) == "bad-index");
  CHECK(opening_with<RefListRecord>(Section::RefLists, [](RefListRecord& l) { l.count = 0; }) == "bad-index");
  CHECK(opening_with<RefListRecord>(Section::RefLists, [](RefListRecord& l) { l.count = 99; }) == "bad-index");
  CHECK(opening_with<RefListRecord>(Section::RefLists, [](RefListRecord& l) { l.first = ~0U; }) == "bad-index");
  CHECK(opening_with<RefRecord>(Section::Refs, [](RefRecord& r) { r.order = 3; }) == "bad-index");
  CHECK(opening_with<RefRecord>(Section::Refs, [](RefRecord& r) { r.scope = 2; }) == "bad-index");
  CHECK(opening_with<PatternRecord>(Section::Patterns, [](PatternRecord& p) { p.refs = 99; }) == "bad-index");
  CHECK(opening_with<PatternRecord>(Section::Patterns, [](PatternRecord& p) { p.kind = 1; }) == "bad-index");
  CHECK(opening_with<PatternRecord>(Section::Patterns, [](PatternRecord& p) { p.text.bytes = 1 << 20; }) ==
        "bad-index");
}

TEST_CASE("image: a names table that points beside its records is refused") {
  CHECK(opening_with<std::uint32_t>(Section::Records, [](std::uint32_t& head) { head |= 0xff; }) == "bad-index");
  CHECK(opening_with<std::uint32_t>(Section::Records, [](std::uint32_t& head) { head &= ~0xffU; }) == "bad-index");
  CHECK(opening_with<std::uint32_t>(Section::Records, [](std::uint32_t& head) { head |= 99U << 8; }) == "bad-index");
  CHECK(opening_with<std::uint32_t>(Section::Records, [](std::uint32_t& head) { head += 4; }) == "bad-index");
  const auto bucket = [](auto change) { return opening_with<Bucket>(Section::Buckets, change); };
  CHECK(bucket([](Bucket& b) { b.entries[0] = kEntryTarget | 1; }) == "bad-index");
  CHECK(bucket([](Bucket& b) { b.entries[0] = kEntryTarget | kEntryPlace; }) == "bad-index");
  CHECK(bucket([](Bucket& b) { b.entries[0] = kEntryParent | 1; }) == "bad-index");
  CHECK(bucket([](Bucket& b) { b.entries[0] = 0; }) == "bad-index");
  CHECK(bucket([](Bucket& b) { b.tags[0] = 0; }) == "bad-index");
  // A free slot before a taken one.
  CHECK(bucket([](Bucket& b) {
          b.tags = {1, 0, 1};
          b.entries = {kEntryParent, 0, kEntryParent};
        }) == "bad-index");
}
