// Bytes as an image whose signature and hash are good (nothing else reaches this code): either it is refused, or every
// index that the checks let through can be followed, and names can be looked up in it.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "dataplane/match/judge.h"
#include "dataplane/match/names_walk.h"
#include "rules/image/reader.h"

using namespace sluice;

namespace {

/// An aligned buffer of exactly the size of the input.
struct Aligned {
  explicit Aligned(Bytes bytes)
      : data(static_cast<std::uint8_t*>(::operator new(bytes.size() + 1, kAlign))), size(bytes.size()) {
    if (size > 0) std::memcpy(data, bytes.data(), size);
  }
  ~Aligned() { ::operator delete(data, kAlign); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  static constexpr std::align_val_t kAlign{64};
  std::uint8_t* data;
  std::size_t size;
};

volatile std::uint64_t sink = 0;
void touch(std::string_view text) {
  for (const char c : text) sink = sink + static_cast<unsigned char>(c);
}

void touch_all(const ImageView& image) {
  for (std::size_t i = 0; i < image.feeds().size(); ++i) touch(image.feed(i).name);
  for (std::size_t i = 0; i < image.orders().size(); ++i) {
    const ImageOrder order = image.order(i);
    for (const auto text : {order.id, order.number, order.authority, order.law, order.reason, order.appeal_url})
      touch(text);
  }
  for (const PatternRecord& pattern : image.patterns()) touch(image.text(pattern.text));
}

void look_up(const ImageView& image) {
  static const std::unique_ptr<NameHits> hits = std::make_unique<NameHits>();
  static constexpr const char* kNames[] = {"a", "example.org", "www.example.org", "www.example.net",
                                           "a.b.c.d.e.f.example.org"};
  std::array<WireName, std::size(kNames)> names;
  std::array<Lookup, std::size(kNames)> in;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (assign_text_name(names[i], kNames[i]) != Cause::None) std::abort();
    in[i] = {&names[i], Method::Dns, 1};
  }
  walk_names(image, in, *hits);
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::uint16_t at = hits->first[i]; at != NameHits::kNoHit; at = hits->hits[at].next) {
      const Match match{hits->hits[at].refs, 0, hits->hits[at].length};
      sink = sink + judge(image, {&match, 1}, names[i].length, in[i], 1).order;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Aligned copy({data, size});
  const auto image = ImageView::check_sections({copy.data, copy.size});
  if (!image.has_value()) return 0;
  touch_all(*image);
  look_up(*image);
  return 0;
}
