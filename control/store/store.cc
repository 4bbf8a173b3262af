#include "control/store/store.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>

#include "control/journal/journal.h"
#include "rules/text/json_fields.h"
#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kImagesKept = 4;
constexpr std::size_t kMaxRootFile = 256 << 10;  // and of a signature of it

std::string write_state(const FeedState& state) {
  std::string out;
  JsonWriter(out)
      .begin_object()
      .member("feed", state.feed)
      .member("epoch", state.epoch)
      .member("seq", state.seq)
      .member("sha256", state.sha256)
      .member("accepted", format_rfc3339(state.accepted))
      .member("root", state.root)
      .end_object();
  return out + "\n";
}

FeedState read_state(std::string_view text, const fs::path& file) {
  FeedState state;
  std::string accepted;
  JsonDocument json;
  json.read(text, 1, [&](std::string_view key, JsonDocument::Value& value) {
    if (key == "feed") return json.read_string(value, state.feed), true;
    if (key == "epoch") return json.read_u64(value, state.epoch), true;
    if (key == "seq") return json.read_u64(value, state.seq), true;
    if (key == "sha256") return json.read_string(value, state.sha256), true;
    if (key == "root") return json.read_u64(value, state.root), true;
    if (key == "accepted") return json.read_string(value, accepted), true;
    return false;
  });
  const auto when = parse_rfc3339(accepted);
  if (!json.ok()) throw std::runtime_error(to_string(json.error(), file.string()));
  if (state.sha256.size() != 64 || !when) throw std::runtime_error(file.string() + ": a field is missing");
  state.accepted = *when;
  return state;
}

/// What the commit does not depend on: where it fails, the next time will do.
template <class Do>
void tidy_up(Do&& act) noexcept {
  try {
    act();
  } catch (const std::exception& e) {
    log(LogLevel::Warning, "old files stay for now", {{"detail", e.what()}});
  }
}

std::string version_folder(const FeedState& state) {
  return std::to_string(state.epoch) + "-" + std::to_string(state.seq) + "-" + state.sha256.substr(0, 12);
}

}  // namespace

std::string feed_slug(std::string_view feed) {
  std::string slug(feed);
  std::ranges::replace(slug, '/', '-');
  return slug;
}

BundleFiles bundle_files_in(const fs::path& folder) {
  BundleFiles files{folder / "bundle.jsonl", {}, {}};
  if (fs::exists(folder / "delta.jsonl")) files.delta = folder / "delta.jsonl";
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".minisig") files.signatures.push_back(entry.path());
  }
  std::ranges::sort(files.signatures);
  return files;
}

Store::Store(fs::path folder, Disk& disk) : folder_(std::move(folder)), disk_(&disk) {
  disk_->make_folder(folder_ / "feeds");
  disk_->make_folder(images());
}

fs::path Store::feed_folder(std::string_view feed) const {
  return folder_ / "feeds" / feed_slug(feed);
}

std::optional<FeedState> Store::state(const std::string& feed) const {
  const fs::path file = feed_folder(feed) / "state.json";
  if (!fs::exists(file)) return {};
  FeedState state = read_state(read_whole(file, 4096), file);
  if (state.feed != feed) throw std::runtime_error(file.string() + ": of another feed, " + state.feed);
  return state;
}

BundleFiles Store::files(const FeedState& state) const {
  return bundle_files_in(feed_folder(state.feed) / version_folder(state));
}

fs::path Store::stage() {
  const fs::path staged = staging();
  disk_->remove(staged);
  disk_->make_folder(staged);
  return staged;
}

void Store::stage_result(std::string_view snapshot) {
  const fs::path bundle = staging() / "bundle.jsonl";
  fs::rename(bundle, staging() / "delta.jsonl");
  disk_->replace_file(bundle, snapshot);
}

void Store::keep_root(const std::string& feed, std::uint64_t version) {
  const fs::path home = roots_folder(feed);
  const std::string name = std::to_string(version) + ".json";
  disk_->make_folder(home);
  // The signatures first: the root itself is the commit.
  int i = 0;
  for (const auto& signature : bundle_files_in(staging()).signatures) {
    disk_->replace_file(home / (name + "." + std::to_string(i++) + ".minisig"), read_whole(signature, kMaxRootFile));
  }
  disk_->replace_file(home / name, read_whole(staging() / "bundle.jsonl", kMaxRootFile));
}

std::vector<BundleFiles> Store::roots(const std::string& feed) const {
  std::map<std::uint64_t, BundleFiles> found;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(roots_folder(feed), absent)) {
    const std::string name = entry.path().filename().string();
    std::uint64_t version = 0;
    const auto digits = std::from_chars(name.data(), name.data() + name.size(), version);
    if (digits.ec != std::errc() || !std::string_view(digits.ptr).starts_with(".json")) continue;
    if (name.ends_with(".json")) found[version].bundle = entry.path();
    if (name.ends_with(".minisig")) found[version].signatures.push_back(entry.path());
  }
  std::vector<BundleFiles> out;
  for (auto& [version, files] : found) {
    if (!files.bundle.empty()) out.push_back(std::move(files));
  }
  return out;
}

void Store::keep(const FeedState& state, const fs::path& staged) {
  const fs::path home = feed_folder(state.feed);
  const fs::path version = home / version_folder(state);
  disk_->make_folder(home);
  disk_->remove(version);  // of an attempt that never reached the commit
  disk_->move_folder(staged, version);
  disk_->replace_file(home / "state.json", write_state(state));
  tidy_up([&] { forget_others(state); });
}

void Store::forget_others(const FeedState& state) {
  const fs::path home = feed_folder(state.feed);
  for (const auto& entry : fs::directory_iterator(home)) {
    if (entry.is_directory() && entry.path().filename() != version_folder(state) &&
        entry.path() != roots_folder(state.feed))
      disk_->remove(entry.path());
  }
}

void Store::remember(const FeedState& state) {
  tidy_up([&] {
    const fs::path next = feed_folder(state.feed) / ".prior.jsonl.new";
    fs::remove(next);
    fs::create_hard_link(files(state).bundle, next);
    fs::rename(next, prior(state.feed));
  });
}

void Store::activate(const fs::path& image, const std::set<std::string>& kept) {
  disk_->replace_link(current_image(), image.filename().string());
  tidy_up([&] { forget_old_images(image, kept); });
}

void Store::forget_old_images(const fs::path& active, const std::set<std::string>& kept) {
  std::vector<std::pair<fs::file_time_type, fs::path>> others;
  for (const auto& entry : fs::directory_iterator(images())) {
    if (entry.path().extension() == ".img" && entry.is_regular_file() && !entry.is_symlink() &&
        entry.path().filename() != active.filename() && !kept.contains(entry.path().stem().string())) {
      others.emplace_back(entry.last_write_time(), entry.path());
    }
  }
  std::ranges::sort(others);
  for (std::size_t i = 0; i + kImagesKept < others.size() + 1; ++i) disk_->remove(others[i].second);
}

}  // namespace sluice
