#include "control/ctl/check.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/temp_folder.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr UnixSeconds kNow = 1'793'836'800;  // 2026-11-05

const Guard& shipped() {
  static const Guard kGuard(shipped_lists());
  return kGuard;
}

std::string file_with(std::string_view orders) {
  return R"(schema: sluice/orders/1
feed: a.example/list
defaults:
  action: block
  authority: A
  basis: {law: L}
  reason: {en: R}
  appeal: {url: "https://appeals.example.org/"}
  effective: 2026-11-01T00:00:00Z
  expires: 2026-11-20T00:00:00Z
orders:
)" + std::string(orders);
}

}  // namespace

TEST_CASE(
    "check: a guard's refusal has the place of its target, also inside a names file, and says what to do instead") {
  const TempFolder folder;
  folder.write("names.txt", "fine-site.com\n\ncom.pk\n");
  const std::string path = folder
                               .write("orders.yaml", file_with(R"(  - id: A-100
    number: "1"
    targets:
      - {name: dns.google, scope: exact}
      - {name: other-site.com, scope: subtree}
  - {id: A-200, number: "2", targets: [{names_file: names.txt, scope: exact}], overrides: [{guard: G5, why: w}]}
  - id: A-300
    number: "3"
    targets: [{name: t.me, scope: exact}]
    overrides: [{guard: G5, why: the court says so}]
)"))
                               .string();
  const Checked checked = check_files({path}, shipped(), kNow);
  // The public suffix is an error of reading, and then the guards are not asked.
  REQUIRE(checked.errors.size() == 1);
  CHECK(checked.errors[0].where.error.code == "G1");
  CHECK(checked.errors[0].where.file == (folder / "names.txt").string());
  CHECK(checked.errors[0].where.error.line == 3);

  folder.write("names.txt", "fine-site.com\n\nocsp.digicert.com\n");
  const Checked guarded = check_files({path}, shipped(), kNow);
  REQUIRE(guarded.errors.size() == 2);
  CHECK(to_string(guarded.errors[1].where)
            .ends_with("orders.yaml:15:16: G2: dns.google: would block dns.google (resolver)"));
  CHECK(guarded.errors[1].order == "A-100");
  CHECK_FALSE(guarded.errors[1].instead.empty());
  CHECK(to_string(guarded.errors[0].where).find("names.txt:3:1: G2: ocsp.digicert.com") != std::string::npos);
  REQUIRE(guarded.warnings.size() == 1);
  CHECK(guarded.warnings[0].error.what.find("the court says so (a whole platform: a second") != std::string::npos);
}

TEST_CASE("check: an order that is over is an error, and the blast radius of each pattern is told") {
  const TempFolder folder;
  const std::string path =
      folder
          .write(
              "orders.yaml",
              file_with(
                  R"(  - {id: A-100, number: "1", expires: 2026-11-04T00:00:00Z, targets: [{name: site.example, scope: exact}]}
  - {id: A-200, number: "2", targets: [{pattern: 'x[0-9]\.site\.example'}]}
)"))
          .string();
  const Checked checked = check_files({path}, shipped(), kNow);
  REQUIRE(checked.errors.size() == 1);
  CHECK(checked.errors[0].where.error.code == "G8");
  REQUIRE(checked.blast.size() == 1);
  CHECK(checked.blast[0].target == R"(x[0-9]\.site\.example)");
  CHECK(checked.blast[0].blast.popular + checked.blast[0].blast.ordinary == 0);
}
