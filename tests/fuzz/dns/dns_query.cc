// The DNS message as it is. A name that reads as valid has to be written as the same text.
#include <array>
#include <string_view>

#include "dataplane/dns/name.h"
#include "dataplane/dns/query.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint16_t kStructuredError = 10;
  const Bytes message{data, size};
  static DnsQuery query;
  const Cause cause = parse_dns_query(message, kStructuredError, query);
  if (cause == Cause::None && query.questions_end > size) __builtin_trap();
  for (std::size_t n = 0; n < query.question_count; ++n) {
    const DnsQuestion& question = query.questions[n];
    if (question.wire_offset + question.wire_len > query.questions_end) __builtin_trap();
    std::array<char, kMaxDnsNameText> text;
    const std::size_t length = write_dns_name(message, question.wire_offset, text);
    if (length == 0) __builtin_trap();
    if (question.name_cause == Cause::None && question.name.text() != std::string_view(text.data(), length))
      __builtin_trap();
  }
  return 0;
}
