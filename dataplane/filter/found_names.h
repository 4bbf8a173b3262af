#pragma once

#include <array>
#include <cstring>
#include <span>

#include "dataplane/dns/query.h"
#include "dataplane/filter/pipeline.h"

namespace sluice {

/// The names of a burst, in the order they were read.
class FoundNames {
 public:
  void clear() noexcept { count_ = shown_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] NameSeen& operator[](std::size_t i) noexcept { return names_[i]; }

  struct Meta {
    std::uint8_t question = 0;   ///< DNS: index in the query
    bool judged = true;          ///< may be blocked
    bool repeated = false;       ///< given before for the same message: judged, but not shown or counted again
    bool outer = false;          ///< TLS, QUIC: as NameSeen::outer
    bool first = false;          ///< TCP: of its stream's first message, so that no response can be outstanding
    Cause spared = Cause::None;  ///< DNS: where it is blocked, this row of the policy decides instead
  };

  /// False where the frame has kMaxNamesPerFrame names already. The names of a frame are added in a row.
  bool add(std::size_t frame, Method method, std::uint16_t qtype, const WireName& name, const Meta& meta) noexcept {
    if (count_ >= kMaxNamesPerFrame && names_[count_ - kMaxNamesPerFrame].frame == frame) return false;
    NameSeen& seen = names_[count_];
    seen.frame = static_cast<std::uint16_t>(frame);
    seen.method = method;
    seen.qtype = qtype;
    seen.outer = meta.outer;
    seen.decision = {};
    seen.name.length = name.length;
    std::memcpy(seen.name.data(), name.text().data(), name.length);
    meta_[count_++] = meta;
    return true;
  }
  [[nodiscard]] Meta& meta(std::size_t i) noexcept { return meta_[i]; }

  /// Moves the names that are shown to the front, once all others were judged.
  void hide_repeated() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      if (meta_[i].repeated) continue;
      if (shown_ != i) names_[shown_] = names_[i];
      ++shown_;
    }
  }
  [[nodiscard]] std::span<const NameSeen> shown() const noexcept { return {names_.data(), shown_}; }

 private:
  std::array<NameSeen, kMaxNamesPerBurst> names_;
  std::array<Meta, kMaxNamesPerBurst> meta_;
  std::size_t count_ = 0, shown_ = 0;
};

/// Calls give(question, meta) for each question of a query that has a name; NameInvalid where one has none.
template <class Give>
Cause for_each_question(const DnsQuery& query, Give&& give) noexcept {
  constexpr std::uint16_t kClassIn = 1, kClassAny = 255;
  Cause cause = Cause::None;
  FoundNames::Meta meta;
  // A resolver that asks an authority would take our answer for a lame or bogus one.
  if (!query.recursion_desired) meta.spared = Cause::DnsNoRecursion;
  if (query.tsig) meta.spared = Cause::DnsTsig;
  for (std::size_t q = 0; q < query.question_count; ++q) {
    const DnsQuestion& question = query.questions[q];
    if (question.name_cause != Cause::None) {
      cause = question.name_cause;
      continue;
    }
    meta.question = static_cast<std::uint8_t>(q);
    meta.judged = question.qclass == kClassIn || question.qclass == kClassAny;
    give(question, meta);
  }
  return cause;
}

}  // namespace sluice
