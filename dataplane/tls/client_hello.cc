#include "dataplane/tls/client_hello.h"

#include <array>

namespace sluice {
namespace {

using Step = HelloProgress::Step;

constexpr std::uint8_t kClientHello = 1;
constexpr std::uint16_t kServerName = 0;                 // RFC 6066 3
constexpr std::uint16_t kEncryptedClientHello = 0xfe0d;  // RFC 9849
constexpr std::uint8_t kHostName = 0;
constexpr std::size_t kMaxHostBytes = WireName::kMaxBytes + 1;  // with a dot at the end

/// Reads step by step. A step is read whole or, where its bytes are not all there, again from its start; what lies
/// between two steps is passed over as it comes.
class HelloReader {
 public:
  HelloReader(Bytes stream, HandshakeReader::Framing framing, HelloProgress& progress, ClientHello& out) noexcept
      : in_(stream, framing, progress.place), to_(progress), out_(out) {}

  Cause read() noexcept {
    out_.name.length = 0;
    while (!done_ && in_.ok() && pass_over()) {
      step();
      if (in_.ok() && !done_) save();
    }
    if (done_) out_.bytes = static_cast<std::uint32_t>(in_.consumed());
    out_.has_ech = to_.has_ech;
    out_.message_bytes = to_.step == Step::Head ? 0 : to_.message_end;
    return in_.ok() ? verdict_ : in_.cause();
  }

 private:
  void save() noexcept {
    to_.place = in_.place();
    out_.bytes = static_cast<std::uint32_t>(in_.consumed());
  }
  /// Passes over what no step needs, as far as it is there.
  bool pass_over() noexcept {
    const std::uint32_t from = in_.position();
    in_.limit(from + to_.skip);
    in_.skip(to_.skip);
    to_.skip -= in_.position() - from;
    save();
    return in_.ok();
  }
  void step() noexcept {
    switch (to_.step) {
      case Step::Head: return head();
      case Step::Methods: return methods();
      case Step::Block: return block();
      case Step::Extension: return extension();
      case Step::Name: return name();
    }
  }
  /// `next` stands n bytes further on.
  void go_on(std::uint32_t n, Step next) noexcept {
    if (!in_.ok()) return;
    if (n > in_.left()) return in_.fail(Cause::TlsBadHandshake);
    to_.skip = n;
    to_.step = next;
  }
  void finish(Cause verdict) noexcept {
    verdict_ = verdict;
    done_ = true;
  }

  void head() noexcept {
    in_.limit(HandshakeReader::kLongest);
    if (in_.u8() != kClientHello && in_.ok()) in_.fail(Cause::TlsNotHello);
    const std::uint32_t length = in_.be24();
    if (in_.ok()) in_.limit(to_.message_end = in_.position() + length);
    in_.skip(2 + 32);                  // legacy_version, random
    in_.skip(in_.u8());                // legacy_session_id
    go_on(in_.be16(), Step::Methods);  // behind cipher_suites
  }
  void methods() noexcept {
    in_.limit(to_.message_end);
    go_on(in_.u8(), Step::Block);  // behind legacy_compression_methods
  }
  void block() noexcept {
    in_.limit(to_.message_end);
    if (in_.left() == 0) return finish(Cause::TlsNoSni);  // extensions may be absent before TLS 1.3
    const std::uint32_t length = in_.be16();
    if (!in_.ok()) return;
    if (length > in_.left()) return in_.fail(Cause::TlsBadHandshake);
    to_.block_end = in_.position() + length;
    to_.step = Step::Extension;
  }
  void extension() noexcept {
    in_.limit(to_.block_end);
    if (in_.left() == 0) return finish(Cause::TlsNoSni);
    const std::uint16_t type = in_.be16();
    const std::uint32_t length = in_.be16();
    if (!in_.ok()) return;
    if (length > in_.left()) return in_.fail(Cause::TlsBadHandshake);
    to_.extension_end = in_.position() + length;
    if (type == kServerName) return list();
    if (type == kEncryptedClientHello) to_.has_ech = true;
    go_on(length, Step::Extension);
  }
  void list() noexcept {
    in_.limit(to_.extension_end);
    if (in_.left() < 2) return finish(Cause::TlsBadSni);
    const std::uint32_t length = in_.be16();
    if (!in_.ok()) return;
    if (length > in_.left()) return finish(Cause::TlsBadSni);
    to_.list_end = in_.position() + length;
    to_.step = Step::Name;
  }
  void name() noexcept {
    in_.limit(to_.list_end);
    if (in_.left() == 0) {
      in_.limit(to_.extension_end);
      return go_on(in_.left(), Step::Extension);
    }
    if (in_.left() < 3) return finish(Cause::TlsBadSni);
    const std::uint8_t type = in_.u8();
    const std::uint32_t length = in_.be16();
    if (!in_.ok()) return;
    if (length > in_.left() || length == 0) return finish(Cause::TlsBadSni);
    if (type != kHostName) return go_on(length, Step::Name);
    if (length > kMaxHostBytes) return finish(Cause::NameInvalid);
    std::array<char, kMaxHostBytes> host;
    in_.read(std::span(host).first(length));
    if (!in_.ok()) return;
    finish(assign_text_name(out_.name, {host.data(), length}));
    look_for_ech();
  }
  /// Behind the name, as far as the extensions are there: nothing is waited for.
  void look_for_ech() noexcept {
    HandshakeReader rest = in_;
    rest.limit(to_.block_end);
    rest.skip(to_.extension_end - rest.position());
    while (rest.left() > 0 && !to_.has_ech) {
      const std::uint16_t type = rest.be16();
      const std::uint32_t length = rest.be16();
      if (rest.ok() && type == kEncryptedClientHello) to_.has_ech = true;
      rest.skip(length);
    }
  }

  HandshakeReader in_;
  HelloProgress& to_;
  ClientHello& out_;
  Cause verdict_ = Cause::None;
  bool done_ = false;
};

}  // namespace

Cause continue_client_hello(Bytes stream, HelloProgress& progress, ClientHello& out) noexcept {
  return HelloReader(stream, HandshakeReader::Framing::Records, progress, out).read();
}

Cause read_client_hello(Bytes stream, ClientHello& out) noexcept {
  HelloProgress progress;
  return continue_client_hello(stream, progress, out);
}

Cause read_client_hello_message(Bytes handshake, ClientHello& out) noexcept {
  HelloProgress progress;
  return HelloReader(handshake, HandshakeReader::Framing::None, progress, out).read();
}

}  // namespace sluice
