#include "control/publish/compile_client.h"

#include <simdjson.h>

#include "control/publish/answer_text.h"
#include "rules/text/json_writer.h"

namespace sluice {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMaxPacket = 64 << 10;

std::uint64_t number_or_zero(const dom::element& object, std::string_view key) {
  std::uint64_t n = 0;
  return object[key].get(n) == simdjson::SUCCESS ? n : 0;
}

void write_signatures(JsonWriter& json, const std::vector<std::filesystem::path>& signatures) {
  json.key("signatures").begin_array();
  for (const auto& signature : signatures) json.value(signature.string());
  json.end_array();
}

CompileError silent(std::string detail) {
  return {false, "", "compile-failed", std::move(detail)};
}

void write_marks(JsonWriter& json, std::string_view name, const std::vector<CompileMarks::Order>& orders) {
  if (orders.empty()) return;
  json.key(name).begin_array();
  for (const CompileMarks::Order& order : orders) {
    json.begin_object().member("feed", order.feed).member_if("order", order.order).end_object();
  }
  json.end_array();
}

}  // namespace

std::string compile_request(const std::vector<CompileInput>& inputs, const std::filesystem::path& out,
                            const CompileMarks& marks) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("bundles").begin_array();
  for (const CompileInput& input : inputs) {
    json.begin_object().member("feed", input.feed).member("bundle", input.bundle.string());
    json.member_if("delta", input.delta.string());
    write_signatures(json, input.signatures);
    if (!input.roots.empty()) {
      json.key("roots").begin_array();
      for (const CompileInput::Root& root : input.roots) {
        json.begin_object().member("root", root.root.string());
        write_signatures(json, root.signatures);
        json.end_object();
      }
      json.end_array();
    }
    json.end_object();
  }
  json.end_array().member("out", out.string());
  write_marks(json, "refused", marks.refused);
  write_marks(json, "shadow", marks.shadow);
  if (!marks.staged.empty()) {
    json.key("staged").begin_array();
    for (const CompileMarks::Staged& staged : marks.staged) {
      json.begin_object().member("feed", staged.feed).member_if("base", staged.base.string()).end_object();
    }
    json.end_array();
  }
  json.end_object();
  return text;
}

Result<Compiled, CompileError> read_compile_answer(std::string_view answer) noexcept {
  try {
    dom::parser parser;
    dom::element body;
    bool ok = false;
    if (answer.size() > kMaxPacket || parser.parse(answer.data(), answer.size()).get(body) != simdjson::SUCCESS ||
        body["ok"].get(ok) != simdjson::SUCCESS) {
      return std::unexpected(silent("sluice-compile: not an answer"));
    }
    if (!ok) {
      return std::unexpected(
          CompileError{true, text_or_empty(body, "feed"), text_or_empty(body, "error"), text_or_empty(body, "detail")});
    }
    Compiled compiled{text_or_empty(body, "image"),
                      text_or_empty(body, "sha256"),
                      number_or_zero(body, "orders"),
                      number_or_zero(body, "names"),
                      number_or_zero(body, "patterns"),
                      number_or_zero(body, "refused"),
                      0};
    if (body["seconds"].get(compiled.seconds) != simdjson::SUCCESS) compiled.seconds = 0;
    if (compiled.image.empty() || compiled.sha256.size() != 64) {
      return std::unexpected(silent("sluice-compile: an answer without an image"));
    }
    return compiled;
  } catch (const std::exception& e) {
    return std::unexpected(CompileError{});
  }
}

Result<Compiled, CompileError> compile(const std::filesystem::path& socket, const std::vector<CompileInput>& inputs,
                                       const std::filesystem::path& out, std::chrono::milliseconds timeout,
                                       int cancel_fd, const CompileMarks& marks) {
  PacketSocket peer(cancel_fd);
  const auto fail = [](SocketError error) {
    return std::unexpected(silent("sluice-compile: " + std::string(to_string(error))));
  };
  if (const auto connected = peer.connect(socket); !connected) return fail(connected.error());
  if (const auto sent = peer.send(compile_request(inputs, out, marks), timeout); !sent) return fail(sent.error());
  const auto answer = peer.receive(kMaxPacket, timeout);
  if (!answer) return fail(answer.error());
  return read_compile_answer(*answer);
}

}  // namespace sluice
