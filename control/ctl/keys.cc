#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>

#include "control/ctl/author.h"
#include "control/ctl/bundle_facts.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/root.h"
#include "rules/model/order_check.h"
#include "rules/sign/bundle_file.h"
#include "rules/sign/minisign.h"
#include "rules/sign/trust.h"
#include "rules/text/json_writer.h"
#include "rules/text/root.h"

namespace sluice {

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

namespace {

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

namespace {

/// What is signed of a file: its digest, and the trusted comment that says what it is.
struct Signable {
  Digests digests;
  std::string comment;
  std::string shown;                  ///< for people, before they trust what they signed
  std::optional<BundleFacts> bundle;  ///< not of a root
};

Result<Signable, std::string> signable(const std::string& file) {
  if (!file.ends_with(".json")) {
    const auto facts = bundle_facts(file);
    if (!facts) return std::unexpected(facts.error());
    return Signable{facts->digests, trusted_comment_for(facts->header, facts->digests.sha256), show_facts(*facts),
                    *facts};
  }
  const auto text = load_signed(file, kMaxRootBytes);
  if (!text) return std::unexpected(text.error().detail);
  const auto root = read_root(text->bytes);
  if (!root) return std::unexpected(to_string(root.error(), file));
  return Signable{text->digests, trusted_comment_for(*root, text->digests.sha256), show_root(*root, text->digests), {}};
}

}  // namespace

int run_sign(const Signer& signer, const std::vector<std::string>& files, bool json) {
  for (const std::string& file : files) {
    const auto what = signable(file);
    if (!what) return complain(what.error(), kAnswerIsNo);
    const auto signature = signer.sign(what->digests.blake2b, what->comment);
    if (!signature) return complain(signature.error(), kAnswerIsNo);
    const std::string id = key_id(signature->number);
    std::string out = file;
    out.append(".").append(id).append(".minisig");
    if (!write_output(out, write_signature(*signature), 0644, true)) return kAnswerIsNo;
    if (json) {
      std::string text;
      JsonWriter writer(text);
      writer.begin_object().member("signature", out).member("key", id);
      if (what->bundle) write_facts(writer, *what->bundle);
      writer.end_object();
      std::cout << text << '\n';
    } else {
      std::cout << "signed " << file << " with key " << id << '\n' << what->shown << "  wrote    " << out << '\n';
    }
  }
  return kFine;
}

int run_sign(const std::string& key_file, const std::vector<std::string>& files, bool json) {
  const auto key = load_secret(key_file);
  if (!key) return kAnswerIsNo;
  const Signer signer{[&](const Blake2b512& digest, const std::string& comment) {
    return Result<MinisignSignature, std::string>(sign(*key, digest, comment));
  }};
  return run_sign(signer, files, json);
}

namespace {

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
  const auto texts = load_signatures(signatures);
  const auto verified = texts ? verify_arrival(*root, bundle, *texts, BundleLimits(), now)
                              : Result<VerifiedArrival, TrustFailure>(std::unexpected(texts.error()));
  const std::string error = verified ? "" : std::string(to_string(verified.error().error));
  print_verdict(bundle, *facts, seen, error, verified ? "" : verified.error().detail, json);
  return verified ? kFine : kAnswerIsNo;
}

}  // namespace sluice
