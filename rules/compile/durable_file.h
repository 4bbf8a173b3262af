#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "dataplane/base/bytes.h"
#include "dataplane/base/result.h"

namespace sluice {

/// A file that is complete under its name or not there at all, whatever happens to the machine: written under another
/// name, fsynced, renamed, and its folder fsynced.
class DurableFile {
 public:
  /// Writes and fsyncs `bytes` beside `path`. The error is a text for people.
  static Result<DurableFile, std::string> write(const std::string& path, Bytes bytes, mode_t mode,
                                                std::optional<gid_t> group = std::nullopt);
  /// Gives the file its name, in place of one that is there. Nothing, or the error.
  [[nodiscard]] std::optional<std::string> publish();

  /// Takes an unpublished file away again.
  ~DurableFile();
  DurableFile(DurableFile&& other) noexcept;
  DurableFile& operator=(DurableFile&&) = delete;

 private:
  DurableFile(std::string path, std::string temporary) : path_(std::move(path)), temporary_(std::move(temporary)) {}
  std::string path_, temporary_;
};

/// "path: what errno says".
[[nodiscard]] std::string failure(const std::string& path);

/// Writes a new file; refuses where one is there.
[[nodiscard]] std::optional<std::string> write_new_file(const std::string& path, Bytes bytes, mode_t mode);

}  // namespace sluice
