#include "rules/sign/minisign.h"

#include <catch2/catch.hpp>

#include "tests/support/mutations.h"
#include "tests/unit/sign/scratch_dir.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr std::string_view kBody = "the body\n";
constexpr PasswordCost kCheap{crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN,
                              crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN};

bool run(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("minisign: keys and signatures survive their files") {
  const auto key = generate_minisign_key();
  const auto file = write_secret_key(key, std::nullopt);
  REQUIRE(file.has_value());
  const auto again = read_secret_key(*file, std::nullopt);
  REQUIRE(again.has_value());
  CHECK(again->key == key.key);
  CHECK(again->number == key.number);
  const auto pub = read_public_key(write_public_key(public_key_of(key)));
  REQUIRE(pub.has_value());
  CHECK(*pub == public_key_of(key));
  const auto digest = digests_of(kBody).blake2b;
  const auto signature = read_signature(write_signature(sign(*again, digest, "a comment")));
  REQUIRE(signature.has_value());
  CHECK(signature->trusted_comment == "a comment");
  CHECK(verify(*pub, digest, *signature));
}

TEST_CASE("minisign: a signature holds for its key, text and trusted comment only") {
  const auto key = generate_minisign_key();
  const auto other = generate_minisign_key();
  const auto digest = digests_of(kBody).blake2b;
  auto signature = sign(key, digest, "comment");
  CHECK_FALSE(verify(public_key_of(key), digests_of("another").blake2b, signature));
  CHECK_FALSE(verify(public_key_of(other), digest, signature));
  auto same_number = public_key_of(other);
  same_number.number = key.number;
  CHECK_FALSE(verify(same_number, digest, signature));
  signature.trusted_comment = "Comment";
  CHECK_FALSE(verify(public_key_of(key), digest, signature));
}

TEST_CASE("minisign: a password is needed, and the right one") {
  const auto key = generate_minisign_key();
  const auto file = write_secret_key(key, "secret", kCheap);
  REQUIRE(file.has_value());
  const auto without = read_secret_key(*file, std::nullopt);
  REQUIRE_FALSE(without.has_value());
  CHECK(without.error() == MinisignError::NeedsPassword);
  const auto wrong = read_secret_key(*file, "Secret");
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error() == MinisignError::WrongPassword);
  const auto right = read_secret_key(*file, "secret");
  REQUIRE(right.has_value());
  CHECK(right->key == key.key);
}

TEST_CASE("minisign: a key file that asks for absurd work is refused before the work") {
  const auto key = generate_minisign_key();
  PasswordCost absurd;
  absurd.memory_bytes *= 2;
  const auto file = write_secret_key(key, "x", absurd);
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error() == MinisignError::TooCostly);
}

TEST_CASE("minisign: the program reads our keys and signatures") {
  ScratchDir dir;
  const auto key = generate_minisign_key();
  dir.write("body", kBody);
  dir.write("k.pub", write_public_key(public_key_of(key)));
  dir.write("k.key", *write_secret_key(key, std::nullopt));
  dir.write("enc.key", *write_secret_key(key, "pw", kCheap));
  dir.write("body.minisig", write_signature(sign(key, digests_of(kBody).blake2b, "feed=x seq=1")));
  CHECK(run("minisign -V -p " + dir.path("k.pub") + " -m " + dir.path("body")));
  dir.write("body", "tampered");
  CHECK_FALSE(run("minisign -V -p " + dir.path("k.pub") + " -m " + dir.path("body")));
  CHECK(run("minisign -S -s " + dir.path("k.key") + " -m " + dir.path("body") + " -x " + dir.path("plain.sig") +
            " </dev/null"));
  CHECK(run("printf 'pw\\n' | minisign -S -s " + dir.path("enc.key") + " -m " + dir.path("body") + " -x " +
            dir.path("enc.sig")));
}

TEST_CASE("minisign: we read the program's keys and signatures") {
  ScratchDir dir;
  dir.write("body", kBody);
  REQUIRE(run("minisign -G -W -p " + dir.path("k.pub") + " -s " + dir.path("k.key") + " </dev/null"));
  REQUIRE(run("minisign -S -s " + dir.path("k.key") + " -m " + dir.path("body") + " -t 'feed=x seq=1' </dev/null"));
  const auto pub = read_public_key(dir.read("k.pub"));
  const auto signature = read_signature(dir.read("body.minisig"));
  const auto secret = read_secret_key(dir.read("k.key"), std::nullopt);
  REQUIRE(pub.has_value());
  REQUIRE(signature.has_value());
  REQUIRE(secret.has_value());
  CHECK(signature->trusted_comment == "feed=x seq=1");
  CHECK(verify(*pub, digests_of(kBody).blake2b, *signature));
  CHECK_FALSE(verify(*pub, digests_of("other").blake2b, *signature));
  CHECK(public_key_of(*secret) == *pub);
}

TEST_CASE("minisign: we decrypt the program's password-protected keys") {
  ScratchDir dir;
  REQUIRE(run("printf 'pw\\npw\\n' | minisign -G -p " + dir.path("k.pub") + " -s " + dir.path("k.key")));
  const auto secret = read_secret_key(dir.read("k.key"), "pw");
  REQUIRE(secret.has_value());
  CHECK(public_key_of(*secret) == *read_public_key(dir.read("k.pub")));
}

TEST_CASE("minisign: legacy signatures are refused by name") {
  ScratchDir dir;
  dir.write("body", kBody);
  REQUIRE(run("minisign -G -W -p " + dir.path("k.pub") + " -s " + dir.path("k.key") + " </dev/null"));
  REQUIRE(run("minisign -S -l -s " + dir.path("k.key") + " -m " + dir.path("body") + " </dev/null"));
  const auto signature = read_signature(dir.read("body.minisig"));
  REQUIRE_FALSE(signature.has_value());
  CHECK(signature.error() == MinisignError::Legacy);
}

TEST_CASE("minisign: files that are not whole are malformed") {
  const auto key = generate_minisign_key();
  const std::string good = write_signature(sign(key, digests_of(kBody).blake2b, "c"));
  CHECK_FALSE(read_signature(good + "more\n").has_value());
  CHECK_FALSE(read_signature(good.substr(good.find('\n') + 1)).has_value());
  CHECK_FALSE(read_signature("").has_value());
  CHECK(read_signature(good.substr(0, good.size() - 1)).has_value());
  CHECK_FALSE(read_public_key(good).has_value());
  CHECK_FALSE(read_secret_key(good, std::nullopt).has_value());
  CHECK_FALSE(read_signature(std::string(100'000, 'x')).has_value());
}

TEST_CASE("minisign: no mutated signature verifies unless its untrusted comment alone changed") {
  const auto key = generate_minisign_key();
  const auto pub = public_key_of(key);
  const auto digest = digests_of(kBody).blake2b;
  const auto original = sign(key, digest, "c");
  const std::string good = write_signature(original);
  for_each_mutation(bytes_of(good), [&](Bytes bytes) {
    const auto signature = read_signature(text_of(bytes));
    if (!signature.has_value() || !verify(pub, digest, *signature)) return;
    CHECK(signature->signature == original.signature);
    CHECK(signature->global == original.global);
    CHECK(signature->trusted_comment == "c");
  });
}

TEST_CASE("minisign: mutated key files never crash, and never give another key unnoticed") {
  const auto key = generate_minisign_key();
  const std::string pub = write_public_key(public_key_of(key));
  for_each_mutation(bytes_of(pub), [&](Bytes bytes) { (void)read_public_key(text_of(bytes)); });
  const std::string secret = *write_secret_key(key, std::nullopt);
  for_each_mutation(bytes_of(secret), [&](Bytes bytes) { (void)read_secret_key(text_of(bytes), std::nullopt); });
}

TEST_CASE("key_id: prints the number as minisign does") {
  const auto key = minisign_public_key("RWSxhNFp3x41KrDKj4FbWLJA9T3gkmDS0XiffqBEJwFIFHgmtVERBHfY");
  REQUIRE(key.has_value());
  CHECK(key_id(key->number) == "2A351EDF69D184B1");
  CHECK(to_base64(*key) == "RWSxhNFp3x41KrDKj4FbWLJA9T3gkmDS0XiffqBEJwFIFHgmtVERBHfY");
}
