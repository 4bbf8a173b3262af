#include "control/ctl/root.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>

#include "control/ctl/author.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "rules/model/order_check.h"
#include "rules/sign/bundle_file.h"
#include "rules/sign/minisign.h"
#include "rules/sign/root_chain.h"
#include "rules/text/json_writer.h"
#include "rules/text/rfc3339.h"
#include "rules/text/root.h"

namespace sluice {
namespace {

/// PARTY:FILE or PARTY:FILE:NAME. The error is the exit code; it has been complained of.
Result<RootKey, int> root_key(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto party = party_from(text.substr(0, colon));
  if (!party || colon == std::string::npos) {
    return std::unexpected(complain(
        "--key " + text + ": want PARTY:FILE.pub[:NAME], PARTY = requester, independent or operator", kBadCommandLine));
  }
  std::string file = text.substr(colon + 1);
  std::string name = std::filesystem::path(file).stem().string();
  if (const std::size_t last = file.rfind(':'); last != std::string::npos && !std::filesystem::exists(file)) {
    name = file.substr(last + 1);
    file.resize(last);
  }
  const auto key_text = read_small_file(file, kMaxMinisignBytes);
  if (!key_text) return std::unexpected(complain(key_text.error().detail, kAnswerIsNo));
  const auto key = read_public_key(*key_text);
  if (!key) return std::unexpected(complain(file + ": " + std::string(to_string(key.error())), kAnswerIsNo));
  return RootKey{*party, name, *key};
}

/// PARTY=N
bool set_threshold(Root& root, const std::string& text) {
  const std::size_t equals = text.find('=');
  const auto party = party_from(text.substr(0, equals));
  unsigned n = 0;
  if (!party || equals == std::string::npos ||
      std::from_chars(text.data() + equals + 1, text.data() + text.size(), n).ec != std::errc()) {
    return complain("--threshold " + text + ": want PARTY=N", kBadCommandLine), false;
  }
  root.thresholds[*party] = n;
  return true;
}

/// Keys and thresholds of the command line, into a root. The exit code of what is wrong, else kFine.
int add_options(Root& root, const RootOptions& options) {
  for (const std::string& text : options.keys) {
    auto key = root_key(text);
    if (!key) return key.error();
    root.thresholds.emplace(key->party, 1);
    root.keys.push_back(*std::move(key));
  }
  for (const std::string& text : options.thresholds) {
    if (!set_threshold(root, text)) return kBadCommandLine;
  }
  return kFine;
}

int write_checked(const Root& root, const RootOptions& options) {
  const std::string text = write_root(root);
  if (const auto check = read_root(text); !check) {
    return complain("no such root would count: " + check.error().what, kAnswerIsNo);
  }
  if (!options.out.empty() && !write_output(options.out, text, 0644, true)) return kAnswerIsNo;
  if (options.out.empty() || options.json) {
    std::cout << text;
  } else {
    std::cout << options.out << '\n' << show_root(root, digests_of(text));
  }
  return kFine;
}

struct RootFile {
  Root root;
  SignedText text;
};
std::optional<RootFile> read_root_file(const std::string& file) {
  auto text = load_signed(file, kMaxRootBytes);
  if (!text) return complain(text.error().detail, kAnswerIsNo), std::nullopt;
  auto root = read_root(text->bytes);
  if (!root) return complain(to_string(root.error(), file), kAnswerIsNo), std::nullopt;
  return RootFile{*std::move(root), *std::move(text)};
}

/// Empty where the root may follow `previous` by the signatures beside it; else what is wrong.
std::string cannot_follow(const std::string& file, const RootFile& next, const std::string& previous) {
  const auto chain = RootChain::load(next.root.feed, previous, "");
  if (!chain) return chain.error();
  const auto signatures = load_signatures(signatures_beside(file));
  if (!signatures) return signatures.error().detail;
  const auto judged = chain->judge(next.text, *signatures);
  return judged ? "" : std::string(to_string(judged.error().error)) + ": " + judged.error().detail;
}

}  // namespace

std::string show_root(const Root& root, const Digests& digests) {
  std::string out = "  feed     " + root.feed + "\n  root     " + std::to_string(root.version) + ", epoch " +
                    std::to_string(root.epoch) + "\n  expires  " + format_rfc3339(root.expires) + "\n";
  for (const RootKey& key : root.keys) {
    out += "  key      " + key_id(key.key.number) + "  " + std::string(to_string(key.party)) + "  " + key.name + "\n";
  }
  for (const auto& [party, k] : root.thresholds) {
    out += "  needs    " + std::to_string(k) + " " + std::string(to_string(party)) + "\n";
  }
  return out + "  sha256   " + to_hex(digests.sha256) + "\n  comment  " + trusted_comment_for(root, digests.sha256) +
         "\n";
}

int run_root(const RootOptions& options, UnixSeconds now) {
  if (!is_feed_name(options.feed)) return complain("--feed " + options.feed + ": not a feed name", kBadCommandLine);
  Root root{options.feed, options.version, options.epoch, now + options.valid_s, {}, {}};
  const int added = add_options(root, options);
  return added == kFine ? write_checked(root, options) : added;
}

int run_root_rotate(const std::string& file, const RootOptions& options, UnixSeconds now) {
  auto old = read_root_file(file);
  if (!old) return kAnswerIsNo;
  Root& root = old->root;
  ++root.version;
  if (options.new_epoch) ++root.epoch;
  root.expires = now + options.valid_s;
  for (const std::string& id : options.gone) {
    if (std::erase_if(root.keys, [&](const RootKey& key) { return key_id(key.key.number) == id; }) == 0) {
      return complain("--remove " + id + ": no key of this root", kBadCommandLine);
    }
  }
  const int added = add_options(root, options);
  return added == kFine ? write_checked(root, options) : added;
}

int run_root_show(const std::string& file, const std::string& previous, bool json, UnixSeconds now) {
  const auto root = read_root_file(file);
  if (!root) return kAnswerIsNo;
  const std::string wrong = previous.empty() ? "" : cannot_follow(file, *root, previous);
  const std::string comment = trusted_comment_for(root->root, root->text.digests.sha256);
  if (json) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object().member("feed", root->root.feed).member("version", root->root.version);
    writer.member("epoch", root->root.epoch).member("expires", format_rfc3339(root->root.expires));
    writer.member("expired", now >= root->root.expires).member("sha256", to_hex(root->text.digests.sha256));
    writer.member("trusted_comment", comment);
    if (!previous.empty()) writer.member("follows", wrong.empty()).member("detail", wrong);
    writer.end_object();
    std::cout << text << '\n';
  } else {
    std::cout << file << '\n' << show_root(root->root, root->text.digests);
    if (!previous.empty()) {
      std::cout << (wrong.empty() ? "it may follow " + previous : "it may NOT follow " + previous + ": " + wrong)
                << '\n';
    }
  }
  return wrong.empty() ? kFine : kAnswerIsNo;
}

}  // namespace sluice
