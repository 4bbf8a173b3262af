#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// The few things the store does to a disk, each of them durable when it returns or an exception of type
/// std::system_error. A seam: tests put a disk here that fails, or "loses power", at the n-th step.
class Disk {
 public:
  Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  virtual ~Disk() = default;

  /// Creates the folder and its parents; fine where it exists.
  virtual void make_folder(const std::filesystem::path& folder);
  /// Creates or replaces `file` in one step: temporary name, write, fsync, rename, fsync of the folder.
  virtual void replace_file(const std::filesystem::path& file, std::string_view bytes);
  /// Moves a folder (same file system; the new name is free or an empty folder) and fsyncs both parents.
  virtual void move_folder(const std::filesystem::path& from, const std::filesystem::path& to);
  /// Points the relative symlink `link` at `target` in one step, then fsyncs the folder.
  virtual void replace_link(const std::filesystem::path& link, const std::string& target);
  /// Removes a file or a whole folder; fine where it is not there.
  virtual void remove(const std::filesystem::path& path);
};

/// The whole of a small file. Throws std::system_error; std::errc::file_too_large past `cap` bytes.
[[nodiscard]] std::string read_whole(const std::filesystem::path& file, std::uint64_t cap);

/// Copies a file that others may write to into a private one: opened once without following a symlink, must be a
/// regular file, at most `cap` bytes, fsynced. Returns its size. Throws std::system_error; std::errc::file_too_large.
std::uint64_t copy_in(const std::filesystem::path& from, const std::filesystem::path& to, std::uint64_t cap);

}  // namespace sluice
