#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <filesystem>
#include <string>

#include "control/log/tiles.h"

namespace sluice {

// How the sources of this room end with an error; private to it.
[[nodiscard]] inline std::unexpected<LogError> fail(LogError::Code code, const std::string& detail) {
  return std::unexpected(LogError{code, detail});
}
[[nodiscard]] inline std::unexpected<LogError> fail_errno(const std::filesystem::path& path, const char* what) {
  return fail(LogError::Code::Io, path.string() + ": " + what + ": " + std::strerror(errno));
}

}  // namespace sluice
