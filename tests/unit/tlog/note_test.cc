#include "rules/tlog/note.h"

#include <sodium.h>

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

struct Key {
  NoteVerifier who;
  std::array<std::uint8_t, 64> secret{};
};
Key make_key(const std::string& name, std::uint8_t seed) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(seed);
  std::array<std::uint8_t, 32> key;
  Key out;
  crypto_sign_seed_keypair(key.data(), out.secret.data(), bytes.data());
  out.who = make_verifier(name, key);
  return out;
}

}  // namespace

// The example note of the documentation of golang.org/x/mod/sumdb/note, which the C2SP text follows.
constexpr const char* kPublishedKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr const char* kPublishedNote =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\xe2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

TEST_CASE("note: another implementation's published note verifies") {
  const auto who = parse_verifier(kPublishedKey);
  REQUIRE(who.has_value());
  CHECK(who->text() == kPublishedKey);
  const auto text = open_note(kPublishedNote, *who);
  REQUIRE(text.has_value());
  CHECK(text->starts_with("If you think"));
}

TEST_CASE("note: what is signed opens, and not after any change") {
  const Key key = make_key("gateway.example/log", 7);
  const std::string note = sign_note("a line\nanother\n", key.who, key.secret);
  const auto text = open_note(note, key.who);
  REQUIRE(text.has_value());
  CHECK(*text == "a line\nanother\n");
  for (std::size_t i = 0; i < note.size(); ++i) {
    std::string changed = note;
    changed[i] = static_cast<char>(changed[i] ^ 0x01);
    CAPTURE(i);
    CHECK_FALSE(open_note(changed, key.who).has_value());
  }
  for (std::size_t n = 0; n < note.size(); ++n) CHECK_FALSE(open_note(note.substr(0, n), key.who).has_value());
}

TEST_CASE("note: lines of witnesses are passed over, a note without the key is refused") {
  const Key log = make_key("log.example", 1);
  const Key witness = make_key("witness.example", 2);
  const std::string by_witness = sign_note("x\n", witness.who, witness.secret);
  const std::string both = sign_note("x\n", log.who, log.secret) + by_witness.substr(by_witness.find("\n\n") + 2);
  CHECK(open_note(both, log.who).has_value());
  CHECK(open_note(both, witness.who).has_value());
  CHECK(open_note(by_witness, log.who).error() == NoteError::UnknownKey);
}

TEST_CASE("checkpoint: round trip, and extension lines are passed over") {
  Checkpoint checkpoint{"log.example/orders", 20852163, {}};
  checkpoint.root.fill(0xab);
  const auto read = parse_checkpoint(to_text(checkpoint) + "extension\n");
  REQUIRE(read.has_value());
  CHECK(read->origin == checkpoint.origin);
  CHECK(read->size == checkpoint.size);
  CHECK(read->root == checkpoint.root);
}

TEST_CASE("checkpoint: refuses what is not one") {
  for (const char* bad : {"", "o\n", "o\n1\n", "o\n-1\nAAAA\n", "o\n01\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n",
                          "o\n1\nq6urq6urq6urq6s=\n", "\n1\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_checkpoint(bad).has_value());
  }
}

TEST_CASE("note: a secret key reads back whatever its bytes, and no other text does") {
  for (std::uint8_t i = 0; i < 64; ++i) {  // some of them have a plus in their base64
    const NoteSigner made = make_signer("gateway.example/log", {i});
    const auto read = parse_signer(made.text());
    REQUIRE(read.has_value());
    CHECK(read->secret == made.secret);
    CHECK(read->who.text() == made.who.text());
    CHECK_FALSE(parse_signer(made.text() + "A").has_value());
    CHECK_FALSE(parse_signer(made.who.text()).has_value());
  }
}
