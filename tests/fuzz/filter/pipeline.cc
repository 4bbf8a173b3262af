// A policy byte, then frames: how (bit 0: from the Internet; bit 1: a new burst begins; bits 2..7: seconds that pass),
// length, bytes. Whatever comes: no crash, no byte of a frame changed, replies that are well-formed, that go to
// subscribers only, and that never outweigh what came.
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "tests/support/pipeline_rig.h"
#include "tests/support/reply_reader.h"

using namespace sluice;
using namespace sluice::test;

namespace {

/// Bits 0..2 DNS action, 3 observe, 4..5 TLS action, 6..7 HTTP action.
Policy policy_of(unsigned byte) {
  Policy policy = PipelineRig::enforcing();
  policy.dns = static_cast<DnsAction>((byte & 7) % 5);
  policy.mode = (byte & 8) != 0 ? Mode::Observe : Mode::Enforce;
  policy.tls = static_cast<TcpAction>((byte >> 4 & 3) % 3);
  policy.http = static_cast<TcpAction>((byte >> 6) % 3);
  policy.credit_bytes = 200;
  policy.credit_bytes_per_s = 0;
  policy.sinkhole4 = {192, 0, 2, 1};
  policy.structured_error_option = 65023;
  return policy;
}

class Run {
 public:
  explicit Run(PipelineRig& rig) : rig_(rig) {}

  void add(Bytes frame, Side from) {
    exact_.emplace_back(new std::uint8_t[frame.size()]);
    std::memcpy(exact_.back().get(), frame.data(), frame.size());
    frames_.push_back({exact_.back().get(), static_cast<std::uint32_t>(frame.size()), from});
    sent_.push_back(frame);
    if (frames_.size() == kMaxBurst) flush();
  }

  void flush() {
    rig_.pipeline->run(frames_, {rig_.rules.get(), rig_.slots}, rig_.now);
    must(rig_.pipeline->verdicts().size() == frames_.size(), "a verdict for every frame");
    for (std::size_t i = 0; i < frames_.size(); ++i) check_frame(i);
    for (const Reply& reply : rig_.pipeline->replies()) check_reply(reply);
    frames_.clear();
    exact_.clear();
    sent_.clear();
  }

  void check_totals() const {
    for (const auto& [prefix, bytes] : dns_out_) {
      const auto in = in_.find(prefix);
      must(in != in_.end() && bytes <= in->second + rig_.policy.credit_bytes, "answers outweigh queries");
    }
  }

 private:
  void check_frame(std::size_t i) {
    must(std::memcmp(frames_[i].data, sent_[i].data(), sent_[i].size()) == 0, "a frame was changed");
    if (rig_.policy.mode == Mode::Observe) must(rig_.pipeline->verdicts()[i].fate == Fate::Forward, "dropped");
    const PacketView& view = rig_.pipeline->views()[i];
    if (view.payload > view.l3) in_[prefix(view)] += frames_[i].len - std::min<std::size_t>(frames_[i].len, 14);
  }

  void check_reply(const Reply& reply) {
    must(rig_.policy.mode == Mode::Enforce, "a reply in observe mode");
    const PacketView& view = rig_.pipeline->views()[reply.frame];
    must(rig_.pipeline->verdicts()[reply.frame].fate == Fate::Drop, "a reply to what goes on");
    const ReadPacket p = read_reply({reply.bytes.data(), reply.len});
    if (reply.out == Side::Internet) {
      must(p.proto == 6 && p.payload.empty() && reply.len <= frames_[reply.frame].len,
           "more than a reset to the server");
      return;
    }
    must(frames_[reply.frame].from == Side::Subscriber && rig_.policy.is_subscriber(p.dst), "no subscriber");
    must(p.dst == slice(view.src(), 0, view.src().size()), "not to the sender");
    if (p.proto == 17) {
      (void)read_dns(p.payload);
      dns_out_[prefix(view)] += p.ip_bytes;
    } else if (p.payload.empty()) {
      must(reply.len <= frames_[reply.frame].len, "a reset larger than its trigger");
    }
  }

  static Buffer prefix(const PacketView& view) { return slice(view.src(), 0, view.ipv6 ? 6 : 3); }

  PipelineRig& rig_;
  std::vector<Frame> frames_;
  std::vector<std::unique_ptr<std::uint8_t[]>> exact_;
  std::vector<Bytes> sent_;
  std::map<Buffer, std::uint64_t> in_, dns_out_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static PipelineRig rig;
  if (size == 0) return 0;
  rig.policy = policy_of(data[0]);
  rig.now = {.mono_ns = 5'000'000'000, .wall_s = 500};
  rig.pipeline = std::make_unique<Pipeline>(rig.policy, PipelineRig::small_limits(), 42, *rig.counters, 0);
  Run run(rig);
  for (std::size_t at = 1; at + 3 <= size;) {
    const unsigned how = data[at];
    const std::size_t length = std::min<std::size_t>(load_be16(data + at + 1), size - at - 3);
    if ((how & 2) != 0) run.flush();
    rig.wait_s(how >> 2);
    run.add({data + at + 3, length}, (how & 1) != 0 ? Side::Internet : Side::Subscriber);
    at += 3 + length;
  }
  run.flush();
  run.check_totals();
  return 0;
}
