#include "dataplane/base/wire_name.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using sluice::assign_text_name;
using sluice::Cause;
using sluice::WireName;

TEST_CASE("text name: folds case and strips one trailing dot") {
  const auto name = std::make_unique<WireName>();
  REQUIRE(assign_text_name(*name, "WwW.ExAmple.ORG.") == Cause::None);
  CHECK(name->text() == "www.example.org");
}

TEST_CASE("text name: refuses what no rule can mean") {
  const auto name = std::make_unique<WireName>();
  for (const std::string& bad :
       {std::string(""), std::string("."), std::string("a..b"), std::string(".a"), std::string("a.."),
        std::string("a b"),
        std::string("b\xc3\xbc"
                    "cher.example"),
        std::string("a\0b", 3), std::string(64, 'x') + ".com", std::string(127, 'a') + std::string(127, 'b')}) {
    CAPTURE(bad);
    CHECK(assign_text_name(*name, bad) == Cause::NameInvalid);
    CHECK(name->length == 0);
  }
}

TEST_CASE("text name: tells an address from a name") {
  const auto name = std::make_unique<WireName>();
  CHECK(assign_text_name(*name, "192.0.2.1") == Cause::NameIsAddress);
  CHECK(assign_text_name(*name, "[2001:db8::1]") == Cause::NameIsAddress);
  CHECK(assign_text_name(*name, "2001:db8::1") == Cause::NameIsAddress);
  CHECK(assign_text_name(*name, "1.2.3.example") == Cause::None);
}
