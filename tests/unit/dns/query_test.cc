#include "dataplane/dns/query.h"

#include <catch2/catch.hpp>
#include <memory>

#include "tests/support/messages.h"
#include "tests/support/mutations.h"
#include "tests/support/print_cause.h"

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr std::uint16_t kStructuredError = 65400;

struct Parsed {
  Cause cause;
  std::unique_ptr<DnsQuery> query;
};
Parsed parse(Bytes message) {
  auto query = std::make_unique<DnsQuery>();
  const Cause cause = parse_dns_query(message, kStructuredError, *query);
  return {cause, std::move(query)};
}

}  // namespace

TEST_CASE("dns query: reads name, type and class whatever the case") {
  const auto [cause, query] = parse(join({dns_header(1), dns_question("wWw.eXaMpLe-1_.ORG", 28, 3)}));
  REQUIRE(cause == Cause::None);
  CHECK(query->id == 0x1234);
  CHECK(query->recursion_desired);
  CHECK_FALSE(query->checking_disabled);
  CHECK_FALSE(query->edns);
  REQUIRE(query->question_count == 1);
  const DnsQuestion& question = query->questions[0];
  CHECK(question.name_cause == Cause::None);
  CHECK(question.name.text() == "www.example-1_.org");
  CHECK(question.qtype == 28);
  CHECK(question.qclass == 3);
  CHECK(question.wire_offset == 12);
  CHECK(question.wire_len == 20);
  CHECK(query->questions_end == 12 + 20 + 4);
}

TEST_CASE("dns query: reads up to four questions, compressed against each other") {
  const Octets first = dns_question("www.example.org");
  const Octets second = join({with_len8(text("mail")), {0xc0, 16}, be16(15), be16(1)});
  const auto [cause, query] = parse(join({dns_header(4), first, second, first, first}));
  REQUIRE(cause == Cause::None);
  REQUIRE(query->question_count == 4);
  CHECK(query->questions[1].name.text() == "mail.example.org");
  CHECK(query->questions[1].qtype == 15);
  CHECK(query->questions[1].wire_len == 0);
  CHECK(query->questions[3].name.text() == "www.example.org");
  CHECK(query->questions_end == 12 + 3 * first.size() + second.size());
}

TEST_CASE("dns query: of more than four questions the first four are read, with a cause") {
  const Octets one = dns_question("a.example");
  const auto [cause, query] = parse(join({dns_header(5), one, one, one, one, one}));
  CHECK(cause == Cause::DnsTooManyQuestions);
  CHECK(query->question_count == 4);
  CHECK(query->questions[3].name.text() == "a.example");
}

TEST_CASE("dns query: a name that no rule can mean does not hide the other questions") {
  const Octets binary = join({{3, 'a', 0, 'b', 2, 'x', '.', 0}, be16(1), be16(1)});
  const auto [cause, query] = parse(join({dns_header(3), binary, dns_question(""), dns_question("b.example")}));
  REQUIRE(cause == Cause::None);
  CHECK(query->questions[0].name_cause == Cause::NameInvalid);
  CHECK(query->questions[0].name.length == 0);
  CHECK(query->questions[1].name_cause == Cause::NameInvalid);
  CHECK(query->questions[1].wire_len == 1);
  CHECK(query->questions[2].name_cause == Cause::None);
  CHECK(query->questions[2].name.text() == "b.example");
}

TEST_CASE("dns query: the longest name fits") {
  const std::string label(63, 'X');
  const std::string name = label + "." + label + "." + label + "." + std::string(61, 'Y');
  const auto [cause, query] = parse(dns_query(name));
  REQUIRE(cause == Cause::None);
  CHECK(query->questions[0].name.length == 253);
  CHECK(query->questions[0].wire_len == 255);
}

TEST_CASE("dns query: no question is no error") {
  const auto [cause, query] = parse(join({dns_header(0, 1), dns_opt()}));
  CHECK(cause == Cause::None);
  CHECK(query->question_count == 0);
  CHECK(query->questions_end == 12);
  CHECK(query->edns);
}

TEST_CASE("dns query: responses and other opcodes are not queries") {
  CHECK(parse(join({dns_header(1, 0, 0x8180), dns_question("a.example")})).cause == Cause::DnsNotQuery);
  CHECK(parse(join({dns_header(1, 0, 0x2800), dns_question("a.example")})).cause == Cause::DnsNotQuery);  // UPDATE
  CHECK(parse(join({dns_header(1, 0, 0x0010), dns_question("a.example")})).query->checking_disabled);
  CHECK_FALSE(parse(join({dns_header(1, 0, 0x0010), dns_question("a.example")})).query->recursion_desired);
}

TEST_CASE("dns query: EDNS is found at any place in the additional section") {
  const Octets junk = dns_record(dns_name("junk.example"), 1, 1, 0, {1, 2, 3, 4});
  const Octets opt = dns_opt(1400, true, join({dns_option(10, Octets(8, 1)), dns_option(kStructuredError)}));
  const auto [cause, query] =
      parse(join({dns_header(1, 3, 0x0100, 1), dns_question("a.example"), junk, junk, opt, junk}));
  REQUIRE(cause == Cause::None);
  CHECK(query->edns);
  CHECK(query->udp_size == 1400);
  CHECK(query->edns_version == 0);
  CHECK(query->dnssec_ok);
  CHECK(query->wants_structured_error);
  CHECK_FALSE(query->tsig);
}

TEST_CASE("dns query: an OPT record outside the additional section is none") {
  CHECK_FALSE(parse(join({dns_header(1, 0, 0x0100, 1), dns_question("a.example"), dns_opt()})).query->edns);
}

TEST_CASE("dns query: structured errors are wanted only where the option is there and has a code point") {
  const Octets plain = join({dns_header(1, 1), dns_question("a.example"), dns_opt(1232, false, dns_option(10, {1}))});
  CHECK_FALSE(parse(plain).query->wants_structured_error);
  const Octets zero = join({dns_header(1, 1), dns_question("a.example"), dns_opt(1232, false, dns_option(0))});
  auto query = std::make_unique<DnsQuery>();
  CHECK(parse_dns_query(zero, 0, *query) == Cause::None);
  CHECK_FALSE(query->wants_structured_error);
  Octets cut = dns_option(kStructuredError, {1, 2});
  cut.pop_back();
  CHECK_FALSE(parse(join({dns_header(1, 1), dns_question("a.example"), dns_opt(512, false, cut)}))
                  .query->wants_structured_error);
}

TEST_CASE("dns query: sees TSIG and SIG(0)") {
  const Octets question = dns_question("a.example");
  const Octets tsig = dns_record(dns_name("key.example"), 250, 255, 0, Octets(20, 0));
  const Octets sig0 = dns_record(u8(0), 24, 255, 0, Octets(20, 0));
  const Octets sig = dns_record(u8(0), 24, 255, 0, {0, 1, 0, 0});
  CHECK(parse(join({dns_header(1, 2), question, dns_opt(), tsig})).query->tsig);
  CHECK(parse(join({dns_header(1, 2), question, dns_opt(), sig0})).query->tsig);
  CHECK_FALSE(parse(join({dns_header(1, 1), question, sig})).query->tsig);
}

TEST_CASE("dns query: trailing bytes and broken records behind the questions do not hide the name") {
  for (const Octets& tail : {Octets(7, 0xff), Octets{0xc0}, dns_record({0x40, 0}, 1, 1, 0, {}), Octets{0, 0, 41}}) {
    const auto [cause, query] = parse(join({dns_header(1, 1), dns_question("a.example"), tail}));
    CHECK(cause == Cause::None);
    CHECK(query->questions[0].name.text() == "a.example");
    CHECK_FALSE(query->edns);
  }
}

TEST_CASE("dns query: every cut inside header and question is truncated, never a name") {
  const Octets whole = dns_query("www.example.org");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK(parse(Bytes(whole).first(n)).cause == Cause::DnsTruncated);
  }
  CHECK(parse(whole).cause == Cause::None);
}

TEST_CASE("dns query: names that cannot be read give their cause") {
  const auto asked = [](const Octets& name) { return parse(join({dns_header(1), name, be16(1), be16(1)})).cause; };
  CHECK(asked({0x41, 'a', 0}) == Cause::DnsBadLabel);
  CHECK(asked({0xc0, 0x0c}) == Cause::DnsBadPointer);
  CHECK(asked({0xc0, 0x00}) == Cause::DnsBadPointer);
  const std::string label(63, 'x');
  CHECK(asked(dns_name(label + "." + label + "." + label + "." + std::string(62, 'y'))) == Cause::DnsNameTooLong);
}

TEST_CASE("dns query: no truncation and no flipped byte leads outside the message") {
  const Octets message = join({dns_header(2, 2),
                               dns_question("www.example.org"),
                               {1, 'a', 0xc0, 16},
                               be16(1),
                               be16(1),
                               dns_opt(1232, true, dns_option(10, Octets(8, 1))),
                               dns_record({0xc0, 12}, 250, 255, 0, Octets(4, 0))});
  const auto query = std::make_unique<DnsQuery>();
  for_each_mutation(message, [&](Bytes bytes) {
    (void)parse_dns_query(bytes, kStructuredError, *query);
    if (query->question_count > DnsQuery::kMaxQuestions) FAIL("more questions than there is room for");
    for (unsigned n = 0; n < query->question_count; ++n) {
      const DnsQuestion& question = query->questions[n];
      const bool inside = question.name.length <= WireName::kMaxBytes &&
                          question.wire_offset + question.wire_len + 4U <= query->questions_end;
      if (!inside || query->questions_end > bytes.size()) FAIL("question leads outside the message");
    }
  });
}
