#include "control/ctl/inspect/inspect.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "control/ctl/inspect/capture.h"
#include "control/ctl/inspect/line.h"
#include "control/ctl/inspect/rules.h"
#include "dataplane/filter/pipeline.h"

namespace sluice {
namespace {

constexpr std::size_t kBurstBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxFrameBytes = 65535;               ///< parse_packet() reads no more of a frame
constexpr std::uint64_t kBurstSpan_ns = 10'000'000;         ///< a burst shares one clock: longer ago is another burst
constexpr std::uint64_t kClockStart_ns = 1000'000'000'000;  ///< of the first frame: no table takes it for "never"
static_assert(kBurstBytes >= kMaxFrameBytes);

std::uint64_t nanoseconds_of(const CapturedFrame& frame) noexcept {
  return static_cast<std::uint64_t>(frame.seconds) * 1'000'000'000 + frame.nanoseconds;
}

/// Collects frames into bursts and runs the pipeline over them, with the capture's clock for the worker's.
class Inspection {
 public:
  Inspection(const InspectOptions& options, const RuleSet* rules, std::FILE* out, std::FILE* err)
      : options_(options),
        rules_(rules),
        out_(out),
        err_(err),
        slots_(rules != nullptr ? rules->orders().size() : 0),
        counters_(std::make_unique<WorkerCounters>()),
        pipeline_(std::make_unique<Pipeline>(policy_, PipelineLimits{}, kSeed, *counters_, 0)),
        bytes_(kBurstBytes) {}

  void add(const CapturedFrame& frame) {
    const auto link = link_type_of(frame.link);
    if (!link) warn_of(frame.link);
    const Bytes bytes = frame.bytes.first(link ? std::min(frame.bytes.size(), kMaxFrameBytes) : 0);
    const std::uint64_t time_ns = nanoseconds_of(frame);
    if (count_ > 0 && (count_ == kMaxBurst || used_ + bytes.size() > kBurstBytes || time_ns < burst_ns_ ||
                       time_ns - burst_ns_ > kBurstSpan_ns)) {
      run();
    }
    if (count_ == 0) begin_burst(time_ns, frame.seconds);
    std::uint8_t* copy = bytes_.data() + used_;
    std::ranges::copy(bytes, copy);
    used_ += bytes.size();
    times_[count_] = {frame.seconds, frame.nanoseconds};
    burst_[count_++] = {.data = copy,
                        .len = static_cast<std::uint32_t>(bytes.size()),
                        .from = Side::Subscriber,
                        .link = link.value_or(LinkType::Ethernet)};
  }

  /// Judges what was collected and writes its lines.
  void run() {
    if (count_ == 0) return;
    pipeline_->run({burst_.data(), count_}, {.rules = rules_, .slots = slots_}, now_);
    lines_.clear();
    for (const NameSeen& seen : pipeline_->names()) {
      const Time& time = times_[seen.frame];
      append_line(lines_, options_.format, frames_ + seen.frame + 1, time.seconds, time.nanoseconds, seen, rules_);
    }
    std::fwrite(lines_.data(), 1, lines_.size(), out_);
    frames_ += count_;
    count_ = used_ = 0;
  }

  [[nodiscard]] std::uint64_t frames() const noexcept { return frames_ + count_; }

 private:
  struct Time {
    std::int64_t seconds;
    std::uint32_t nanoseconds;
  };
  static constexpr std::uint64_t kSeed = 0x736c75696365;  // the same capture gives the same lines

  void warn_of(int link) {
    if (!unread_links_.insert(link).second) return;
    std::fprintf(err_, "%s: warning: no names are read from frames of link type %s\n", options_.file.c_str(),
                 link_name(link).c_str());
  }

  /// The monotonic clock goes with the frames' times, and stands still where they go back.
  void begin_burst(std::uint64_t time_ns, std::int64_t seconds) noexcept {
    if (frames_ == 0) {
      now_.mono_ns = kClockStart_ns;
    } else if (time_ns > burst_ns_) {
      now_.mono_ns += time_ns - burst_ns_;
    }
    burst_ns_ = time_ns;
    now_.wall_s = options_.at.value_or(seconds);
  }

  const InspectOptions& options_;
  const RuleSet* rules_;
  std::FILE* out_;
  std::FILE* err_;
  std::set<int> unread_links_;        ///< link types that were warned of
  std::vector<std::uint32_t> slots_;  ///< all "other": nobody reads the counters
  Policy policy_;
  std::unique_ptr<WorkerCounters> counters_;
  std::unique_ptr<Pipeline> pipeline_;

  std::array<Frame, kMaxBurst> burst_;
  std::array<Time, kMaxBurst> times_;
  std::size_t count_ = 0;
  std::vector<std::uint8_t> bytes_;  ///< of the burst's frames, one after the other
  std::size_t used_ = 0;
  std::uint64_t burst_ns_ = 0;
  Now now_;
  std::uint64_t frames_ = 0;  ///< before this burst
  std::string lines_;
};

/// 0, or 1 where the file breaks off in the middle.
int read_all(Capture& capture, Inspection& inspection, const std::string& file, std::FILE* err) {
  CapturedFrame frame;
  for (;;) {
    const Capture::Next next = capture.next(frame);
    if (next == Capture::Next::Frame) {
      inspection.add(frame);
      continue;
    }
    inspection.run();
    if (next == Capture::Next::End) return 0;
    const bool cut = next == Capture::Next::Cut;
    std::fprintf(err, "%s: %s: after frame %llu: %s\n", file.c_str(), cut ? "warning" : "error",
                 static_cast<unsigned long long>(inspection.frames()), capture.trouble().c_str());
    return cut ? 0 : 1;
  }
}

}  // namespace

int run_inspect(const InspectOptions& options, std::FILE* out, std::FILE* err) {
  const auto rules = load_rules(options);
  if (!rules.has_value()) return std::fprintf(err, "%s\n", rules.error().c_str()), 1;
  auto capture = Capture::open(options.file);
  if (!capture.has_value()) {
    std::fprintf(err, "%s: not a capture that can be read: %s\n", options.file.c_str(), capture.error().c_str());
    return 1;
  }
  const auto inspection = std::make_unique<Inspection>(options, rules->get(), out, err);
  const int result = read_all(**capture, *inspection, options.file, err);
  if (std::fflush(out) == 0 && std::ferror(out) == 0) return result;
  std::fprintf(err, "output cannot be written\n");
  return 1;
}

}  // namespace sluice
