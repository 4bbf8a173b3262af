#include "dataplane/engine/image_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_folder.h"

using namespace sluice;
namespace fs = std::filesystem;

namespace {

const std::string kKeyText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

}  // namespace

TEST_CASE("image file: its bytes are copied, through a link too") {
  const test::TempFolder folder;
  (void)folder.write("a.img", "bytes");
  fs::create_symlink("a.img", folder.path() / "current.img");
  const auto bytes = read_image_file(folder.path() / "current.img", 5);
  REQUIRE(bytes.has_value());
  CHECK(std::string(bytes->begin(), bytes->end()) == "bytes");
}

TEST_CASE("image file: one byte over the cap is too large") {
  const test::TempFolder folder;
  const auto bytes = read_image_file(folder.write("a.img", "123456"), 5);
  REQUIRE_FALSE(bytes.has_value());
  CHECK(bytes.error() == "too-large");
}

TEST_CASE("image file: a missing file, a folder, a FIFO and a device are unreadable and never waited for") {
  const test::TempFolder folder;
  const auto fifo = folder.path() / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  for (const fs::path& path : {folder.path() / "none", folder.path(), fifo, fs::path("/dev/zero")}) {
    const auto bytes = read_image_file(path, 100);
    INFO(path);
    REQUIRE_FALSE(bytes.has_value());
    CHECK(bytes.error() == "unreadable");
  }
}

TEST_CASE("image key: 64 hex digits and a newline") {
  const test::TempFolder folder;
  const auto key = read_image_key(folder.write("image.pub", kKeyText + "\n"));
  REQUIRE(key.has_value());
  CHECK((*key)[1] == 1);
  CHECK((*key)[31] == 0xff);
}

TEST_CASE("image key: too short, too long, two words, other characters and no file are errors that name the file") {
  const test::TempFolder folder;
  for (const std::string& text :
       {kKeyText.substr(1), kKeyText + "0", kKeyText + " 00", "g" + kKeyText.substr(1), std::string()}) {
    const auto key = read_image_key(folder.write("image.pub", text));
    INFO(text);
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().find("image.pub") != std::string::npos);
  }
  CHECK_FALSE(read_image_key(folder.path() / "none").has_value());
}

TEST_CASE("hex: lower case, two digits a byte") {
  Sha256 hash{};
  hash[0] = 0x0a;
  hash[31] = 0xf0;
  CHECK(hex(hash) == "0a" + std::string(60, '0') + "f0");
}
