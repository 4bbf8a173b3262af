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
  std::filesystem::path delta{};  ///< what was signed, where that is a delta; else empty
  struct Root {
    std::filesystem::path root;
    std::vector<std::filesystem::path> signatures;
  };
  std::vector<Root> roots{};  ///< that followed the configured one
};

/// What the image leaves out or puts in shadow beside the bundles (docs/interfaces.md, sluice-compile).
struct CompileMarks {
  struct Order {
    std::string feed, order;  ///< no order: the whole feed
  };
  struct Staged {
    std::string feed;
    std::filesystem::path base;  ///< image of what stood; empty: nothing stood
  };
  std::vector<Order> refused, shadow;
  std::vector<Staged> staged;
};

struct Compiled {
  std::filesystem::path image;
  std::string sha256;
  std::uint64_t orders = 0, names = 0, patterns = 0;
  std::uint64_t refused = 0;  ///< orders that its guards left out
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
                                                     std::chrono::milliseconds timeout, int cancel_fd,
                                                     const CompileMarks& marks = {});

/// The parts, for tests: one request packet, one answer.
[[nodiscard]] std::string compile_request(const std::vector<CompileInput>& inputs, const std::filesystem::path& out,
                                          const CompileMarks& marks = {});
[[nodiscard]] Result<Compiled, CompileError> read_compile_answer(std::string_view answer) noexcept;

}  // namespace sluice
