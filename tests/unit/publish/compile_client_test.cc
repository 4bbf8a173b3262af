#include "control/publish/compile_client.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/mutations.h"
#include "tests/support/packet_peer.h"
#include "tests/support/temp_folder.h"

using namespace sluice;
using namespace std::chrono_literals;
using sluice::test::PacketPeer;
using sluice::test::TempFolder;

namespace {
const std::string kHash(64, 'a');
const std::string kGood =
    R"({"ok":true,"image":"/i/x.img","sha256":")" + kHash + R"(","orders":2,"names":30,"patterns":1,"seconds":0.25})";
}  // namespace

TEST_CASE("compile client: the request names every bundle with its signatures; the answer comes back whole") {
  const TempFolder folder;
  std::string asked;
  const PacketPeer peer(folder / "c", "", [&](const std::string& request) {
    asked = request;
    return kGood;
  });
  const auto compiled = compile(folder / "c", {{"a/x", "/b", {"/s1", "/s2"}}, {"b/y", "/c", {}}}, "/out", 2000ms, -1);
  CHECK(asked == R"({"bundles":[{"feed":"a/x","bundle":"/b","signatures":["/s1","/s2"]},)"
                 R"({"feed":"b/y","bundle":"/c","signatures":[]}],"out":"/out"})");
  REQUIRE(compiled.has_value());
  CHECK(compiled->image == "/i/x.img");
  CHECK(compiled->sha256 == kHash);
  CHECK(compiled->names == 30);
  CHECK(compiled->seconds == 0.25);
}

TEST_CASE("compile client: a no is told apart from silence") {
  const auto no = read_compile_answer(R"({"ok":false,"feed":"a/x","error":"rollback","detail":"1 after 2"})");
  REQUIRE_FALSE(no.has_value());
  CHECK(no.error().answered);
  CHECK(no.error().feed == "a/x");
  CHECK(no.error().code == "rollback");
  const TempFolder folder;
  const auto nobody = compile(folder / "c", {}, "/out", 100ms, -1);
  REQUIRE_FALSE(nobody.has_value());
  CHECK_FALSE(nobody.error().answered);
  CHECK(nobody.error().code == "compile-failed");
}

TEST_CASE("compile client: a wait ends as soon as the program does") {
  const TempFolder folder;
  const PacketPeer silent(folder / "c", "", [](const std::string&) { return std::string("-"); });
  const int ending = ::eventfd(1, EFD_CLOEXEC);
  const auto compiled = compile(folder / "c", {}, "/out", std::chrono::hours(1), ending);
  ::close(ending);
  REQUIRE_FALSE(compiled.has_value());
  CHECK_FALSE(compiled.error().answered);
}

TEST_CASE("compile client: no answer, however mangled, breaks the reader or passes for an image without a hash") {
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(kGood.data()), kGood.size());
  test::for_each_mutation(bytes, [](Bytes b) {
    const auto answer = read_compile_answer({reinterpret_cast<const char*>(b.data()), b.size()});
    if (answer) CHECK(answer->sha256.size() == 64);
  });
  CHECK_FALSE(read_compile_answer(R"({"ok":true,"image":"","sha256":""})").has_value());
  CHECK_FALSE(read_compile_answer(R"([])").has_value());
}
