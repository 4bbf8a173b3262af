#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "control/publish/packet_socket.h"
#include "dataplane/base/result.h"

namespace sluice {

struct CompileInput {
  std::string feed;
  std::filesystem::path bundle;
  std::vector<std::filesystem::path> signatures;
};

struct Compiled {
  std::filesystem::path image;
  std::string sha256;
  std::uint64_t orders = 0, names = 0, patterns = 0;
  double seconds = 0;
};

struct CompileError {
  bool answered = false;  ///< sluice-compile said no; otherwise it did not answer, and may do so later
  std::string feed, code, detail;
};

/// Asks sluice-compile for one image of all feeds. `cancel_fd`: becomes readable when the wait should end early.
[[nodiscard]] Result<Compiled, CompileError> compile(const std::filesystem::path& socket,
                                                     const std::vector<CompileInput>& inputs,
                                                     const std::filesystem::path& out,
                                                     std::chrono::milliseconds timeout, int cancel_fd);

/// The parts, for tests: one request packet, one answer.
[[nodiscard]] std::string compile_request(const std::vector<CompileInput>& inputs, const std::filesystem::path& out);
[[nodiscard]] Result<Compiled, CompileError> read_compile_answer(std::string_view answer) noexcept;

}  // namespace sluice
