#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>

#include "control/ctl/author.h"
#include "control/ctl/bundle_facts.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "rules/model/order_check.h"
#include "rules/sign/bundle_file.h"
#include "rules/sign/minisign.h"
#include "rules/sign/trust.h"
#include "rules/text/json_writer.h"
#include "rules/text/root.h"

namespace sluice {
namespace {

/// A line from the terminal without echo; from stdin where that is no terminal (a pipe).
std::string ask_password(const std::string& prompt) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  termios before{};
  if (terminal) {
    std::cerr << prompt << std::flush;
    ::tcgetattr(STDIN_FILENO, &before);
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << '\n';
  }
  return line;
}

std::optional<std::string> new_password() {
  std::string first = ask_password("Password: ");
  if (first.empty()) return complain("an empty password protects nothing", kAnswerIsNo), std::nullopt;
  if (::isatty(STDIN_FILENO) != 0 && ask_password("Again: ") != first) {
    return complain("the passwords differ", kAnswerIsNo), std::nullopt;
  }
  return first;
}

std::optional<std::string> small_file(const std::string& path) {
  auto text = read_small_file(path, kMaxMinisignBytes);
  if (!text) return complain(text.error().detail, kAnswerIsNo), std::nullopt;
  return *std::move(text);
}

std::optional<MinisignSecretKey> load_secret(const std::string& file) {
  const auto text = small_file(file);
  if (!text) return {};
  auto key = read_secret_key(*text, std::nullopt);
  if (!key && key.error() == MinisignError::NeedsPassword) {
    key = read_secret_key(*text, ask_password("Password of " + file + ": "));
  }
  if (!key) return complain(file + ": " + std::string(to_string(key.error())), kAnswerIsNo), std::nullopt;
  return *key;
}

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
  const auto key_text = small_file(file);
  if (!key_text) return std::unexpected(int{kAnswerIsNo});
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

struct SignatureSeen {
  std::string file, key_id, party, holder, verdict;
};

/// What one signature file is worth, on its own.
SignatureSeen look_at(const std::string& file, const Root& root, const BundleFacts& facts) {
  SignatureSeen seen{file, "", "", "", ""};
  const auto text = read_small_file(file, kMaxMinisignBytes);
  if (!text) return seen.verdict = "cannot be read", seen;
  const auto signature = read_signature(*text);
  if (!signature) return seen.verdict = to_string(signature.error()), seen;
  seen.key_id = key_id(signature->number);
  seen.verdict = "unknown key";
  for (const RootKey& key : root.keys) {
    if (key.key.number != signature->number) continue;
    seen.party = to_string(key.party);
    seen.holder = key.name;
    const bool good = verify(key.key, facts.digests.blake2b, *signature);
    const bool same = signature->trusted_comment == trusted_comment_for(facts.header, facts.digests.sha256);
    seen.verdict = !good ? "BAD" : same ? "good" : "good, but its trusted comment names another bundle";
  }
  return seen;
}

}  // namespace

int run_keygen(const std::string& out, bool with_password, bool json) {
  std::optional<std::string> password;
  if (with_password) {
    password = new_password();
    if (!password) return kAnswerIsNo;
  }
  const MinisignSecretKey key = generate_minisign_key();
  const auto secret = write_secret_key(key, password);
  if (!secret) return complain(std::string(to_string(secret.error())), kAnswerIsNo);
  const MinisignPublicKey pub = public_key_of(key);
  if (!write_output(out + ".key", *secret, 0600, false)) return kAnswerIsNo;
  if (!write_output(out + ".pub", write_public_key(pub), 0644, false)) return kAnswerIsNo;
  if (json) {
    std::string text;
    JsonWriter(text)
        .begin_object()
        .member("key", out + ".key")
        .member("public", out + ".pub")
        .member("id", key_id(pub.number))
        .end_object();
    std::cout << text << '\n';
  } else {
    std::cout << "key " << key_id(pub.number) << "\n  secret  " << out << ".key"
              << (password ? "" : "  (no password: guard the file)") << "\n  public  " << out << ".pub\n";
  }
  return kFine;
}

int run_root(const RootOptions& options, UnixSeconds now) {
  if (!is_feed_name(options.feed)) return complain("--feed " + options.feed + ": not a feed name", kBadCommandLine);
  Root root{options.feed, options.version, options.epoch, now + options.valid_s, {}, {}};
  for (const std::string& text : options.keys) {
    auto key = root_key(text);
    if (!key) return key.error();
    root.thresholds.emplace(key->party, 1);
    root.keys.push_back(*std::move(key));
  }
  for (const std::string& text : options.thresholds) {
    if (!set_threshold(root, text)) return kBadCommandLine;
  }
  const std::string text = write_root(root);
  if (const auto check = read_root(text); !check)
    return complain("no such root would count: " + check.error().what, kAnswerIsNo);
  if (options.out.empty()) {
    std::cout << text;
    return kFine;
  }
  if (!write_output(options.out, text, 0644, true)) return kAnswerIsNo;
  if (options.json) {
    std::cout << text;
  } else {
    std::cout << options.out << ": root " << root.version << " of " << root.feed << ", epoch " << root.epoch << '\n';
    for (const RootKey& key : root.keys) {
      std::cout << "  " << key_id(key.key.number) << "  " << to_string(key.party) << "  " << key.name << '\n';
    }
  }
  return kFine;
}

int run_sign(const std::string& key_file, const std::vector<std::string>& bundles, bool json) {
  const auto key = load_secret(key_file);
  if (!key) return kAnswerIsNo;
  const std::string id = key_id(key->number);
  const std::string suffix = "." + id + ".minisig";
  for (const std::string& bundle : bundles) {
    const auto facts = bundle_facts(bundle);
    if (!facts) return complain(facts.error(), kAnswerIsNo);
    const MinisignSignature signature =
        sign(*key, facts->digests.blake2b, trusted_comment_for(facts->header, facts->digests.sha256));
    const std::string out = bundle + suffix;
    if (!write_output(out, write_signature(signature), 0644, true)) return kAnswerIsNo;
    if (json) {
      std::string text;
      JsonWriter writer(text);
      writer.begin_object().member("signature", out).member("key", id);
      write_facts(writer, *facts);
      writer.end_object();
      std::cout << text << '\n';
    } else {
      std::cout << "signed " << bundle << " with key " << id << '\n'
                << show_facts(*facts) << "  wrote    " << out << '\n';
    }
  }
  return kFine;
}

namespace {

std::vector<std::string> signatures_beside(const std::string& bundle) {
  std::vector<std::string> found;
  const std::filesystem::path path(bundle);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const std::string prefix = path.filename().string() + ".";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".minisig")) found.push_back((folder / name).string());
  }
  std::ranges::sort(found);
  return found;
}

void print_verdict(const std::string& bundle, const BundleFacts& facts, const std::vector<SignatureSeen>& seen,
                   const std::string& error, const std::string& detail, bool json) {
  if (!json) {
    std::cout << bundle << '\n' << show_facts(facts);
    for (const SignatureSeen& s : seen) {
      std::cout << "  signed   " << (s.key_id.empty() ? s.file : s.key_id) << "  " << s.verdict
                << (s.party.empty() ? "" : "  " + s.party + ": " + s.holder) << '\n';
    }
    std::cout << (error.empty() ? "verified: it counts\n"
                                : "NOT verified: " + error + (detail.empty() ? "" : ": " + detail) + "\n");
    return;
  }
  std::string text;
  JsonWriter writer(text);
  writer.begin_object().member("bundle", bundle).member("verified", error.empty());
  if (!error.empty()) writer.member("error", error).member("detail", detail);
  write_facts(writer, facts);
  writer.key("signatures").begin_array();
  for (const SignatureSeen& s : seen) {
    writer.begin_object().member("file", s.file).member("key", s.key_id).member("party", s.party);
    writer.member("name", s.holder).member("verdict", s.verdict).end_object();
  }
  writer.end_array().end_object();
  std::cout << text << '\n';
}

}  // namespace

int run_verify(const std::string& root_file, const std::string& bundle, std::vector<std::string> signatures, bool json,
               UnixSeconds now) {
  const auto root_text = read_small_file(root_file, kMaxRootBytes);
  if (!root_text) return complain(root_text.error().detail, kAnswerIsNo);
  const auto root = read_root(*root_text);
  if (!root) return complain(to_string(root.error(), root_file), kAnswerIsNo);
  const auto facts = bundle_facts(bundle);
  if (!facts) return complain(facts.error(), kAnswerIsNo);
  if (signatures.empty()) signatures = signatures_beside(bundle);
  std::vector<SignatureSeen> seen;
  seen.reserve(signatures.size());
  for (const std::string& file : signatures) seen.push_back(look_at(file, *root, *facts));
  const auto verified = verify_bundle_file(*root, {bundle, signatures}, BundleLimits(), now);
  const std::string error = verified ? "" : std::string(to_string(verified.error().error));
  print_verdict(bundle, *facts, seen, error, verified ? "" : verified.error().detail, json);
  return verified ? kFine : kAnswerIsNo;
}

}  // namespace sluice
