#include "control/publish/dataplane.h"

#include <simdjson.h>

#include <algorithm>

#include "control/publish/answer_text.h"

namespace sluice {
namespace {

namespace dom = simdjson::dom;

/// The object below the one key that DPDK wraps an answer in.
bool unwrap(dom::parser& parser, std::string_view answer, std::string_view command, dom::element& out) {
  if (answer.size() > Dataplane::kMaxAnswer) return false;
  dom::element whole;
  if (parser.parse(answer.data(), answer.size()).get(whole) != simdjson::SUCCESS) return false;
  dom::object object;
  return whole[command].get(out) == simdjson::SUCCESS && out.get(object) == simdjson::SUCCESS;
}

std::uint64_t oldest_poll_us(const dom::element& health) {
  std::uint64_t oldest = 0, age = 0;
  dom::object workers;
  if (health["workers"].get(workers) != simdjson::SUCCESS) return 0;
  for (const auto& [id, worker] : workers) {
    if (worker["poll_age_us"].get(age) == simdjson::SUCCESS) oldest = std::max(oldest, age);
  }
  return oldest;
}

}  // namespace

std::optional<Health> read_health(std::string_view answer) noexcept {
  try {
    dom::parser parser;
    dom::element body;
    if (!unwrap(parser, answer, "/sluice/health", body)) return {};
    Health health;
    if (body["pid"].get(health.pid) != simdjson::SUCCESS) return {};
    health.mode = text_or_empty(body, "mode");
    health.last_error = text_or_empty(body, "last_error");
    dom::element image;
    if (body["image"].get(image) == simdjson::SUCCESS) health.image_sha256 = text_or_empty(image, "sha256");
    health.oldest_poll_us = oldest_poll_us(body);
    health.json = simdjson::minify(body);
    return health;
  } catch (const std::exception&) {
    return {};
  }
}

std::optional<Loaded> read_loaded(std::string_view answer) noexcept {
  try {
    dom::parser parser;
    dom::element body;
    if (!unwrap(parser, answer, "/sluice/load", body)) return {};
    std::int64_t ok = 0;
    if (body["ok"].get(ok) != simdjson::SUCCESS) return {};
    return Loaded{ok == 1, text_or_empty(body, "sha256"), text_or_empty(body, "error")};
  } catch (const std::exception&) {
    return {};
  }
}

Result<std::string, SocketError> Dataplane::ask(const std::string& command, std::chrono::milliseconds timeout) {
  if (command.size() > kMaxRequest) return std::unexpected(SocketError::TooLong);
  if (!socket_.connected()) {
    if (const auto connected = socket_.connect(socket_path_); !connected) return std::unexpected(connected.error());
    // DPDK greets with its version and its longest answer.
    if (const auto banner = socket_.receive(kMaxAnswer, timeout); !banner) return banner;
  }
  if (const auto sent = socket_.send(command, timeout); !sent) return std::unexpected(sent.error());
  return socket_.receive(kMaxAnswer, timeout);
}

Result<Health, SocketError> Dataplane::health(std::chrono::milliseconds timeout) {
  const auto answer = ask("/sluice/health", timeout);
  if (!answer) return std::unexpected(answer.error());
  auto health = read_health(*answer);
  if (health) return *std::move(health);
  socket_.close();
  return std::unexpected(SocketError::Closed);
}

Result<Loaded, SocketError> Dataplane::load(const std::filesystem::path& image, std::chrono::milliseconds timeout) {
  const auto answer = ask("/sluice/load," + image.string(), timeout);
  if (!answer) return std::unexpected(answer.error());
  auto loaded = read_loaded(*answer);
  if (loaded) return *std::move(loaded);
  socket_.close();
  return std::unexpected(SocketError::Closed);
}

}  // namespace sluice
