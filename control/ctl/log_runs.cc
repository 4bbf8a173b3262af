#include "control/ctl/log_runs.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "control/ctl/bundle_facts.h"
#include "control/ctl/client.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ledger/log_audit.h"
#include "control/ledger/log_key.h"
#include "control/ledger/order_log.h"
#include "rules/sign/digest.h"
#include "rules/text/json_writer.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConsistencyProofs = 64;  ///< earlier checkpoints that a proof connects to
constexpr std::size_t kMaxProvenBytes = 1 << 20;

fs::path secrets_of(const OwnLog& own) {
  fs::path folder = fs::path(own.folder).lexically_normal();
  if (folder.filename().empty()) folder = folder.parent_path();
  return own.secrets.empty() ? fs::path(folder.string() + ".private") : fs::path(own.secrets);
}

bool is_url(const std::string& where) {
  return where.starts_with("http://") || where.starts_with("https://");
}

LogFiles files_of(const std::string& where) {
  if (!is_url(where)) return LogFiles(fs::path(where));
  const std::string base = where.ends_with('/') ? where : where + "/";
  return LogFiles([base](const std::string& path, std::size_t most) -> Result<std::string, LogError> {
    auto answer = get_url(base + path, most);
    if (!answer) return std::unexpected(LogError{LogError::Code::Io, base + path + ": " + answer.error()});
    return *std::move(answer);
  });
}

/// Sizes at which proofs were made before: a gateway may have seen any of those checkpoints last.
std::vector<std::uint64_t> proven_sizes(const fs::path& file) {
  std::vector<std::uint64_t> sizes;
  std::istringstream lines(read_regular_file(file.string(), kMaxProvenBytes).value_or(""));
  for (std::uint64_t size = 0; lines >> size;) sizes.push_back(size);
  return sizes;
}

std::string lines_of(const std::vector<std::uint64_t>& sizes) {
  std::string out;
  for (const std::uint64_t size : sizes) out += std::to_string(size) + "\n";
  return out;
}

std::string proof_json(const EntryProof& proved, const Checkpoint& head) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("index", proved.proof.index).member("size", head.size);
  json.member("root", to_hex(head.root)).member("entry", proved.entry);
  json.key("hashes").begin_array();
  for (const TreeHash& hash : proved.proof.hashes) json.value(to_hex(hash));
  json.end_array().member("checkpoint", proved.proof.checkpoint).end_object();
  return out;
}

/// Logs one bundle and writes its proof; an exit code.
int append_one(OrderLog& log, const OwnLog& own, const std::string& bundle, UnixSeconds now) {
  const auto facts = bundle_facts(bundle);
  if (!facts) return complain(facts.error(), kAnswerIsNo);
  const std::string sha256 = to_hex(facts->digests.sha256);
  const auto logged = log.enforce({facts->header, sha256, bundle, {}}, now);
  if (!logged) return complain(logged.error(), kAnswerIsNo);
  const auto& release = log.book().feed(facts->header.feed).release;
  if (!release || release->sha256 != sha256) {
    return complain(bundle + ": a later bundle of this feed stands in the log", kAnswerIsNo);
  }
  const fs::path proven_file = secrets_of(own) / "proven";
  std::vector<std::uint64_t> sizes = proven_sizes(proven_file);
  const auto proof = prove_entry(log.files(), log.who(), release->index, sizes);
  if (!proof.has_value()) return complain(proof.error().detail, kAnswerIsNo);
  if (std::ranges::find(sizes, log.size()) == sizes.end()) sizes.push_back(log.size());
  if (sizes.size() > kConsistencyProofs) sizes.erase(sizes.begin());
  if (auto kept = keep_file(proven_file, lines_of(sizes)); !kept) return complain(kept.error(), kAnswerIsNo);
  if (!write_output(bundle + ".proof", to_text(*proof), 0644, true)) return kAnswerIsNo;
  if (own.json) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("bundle", bundle).member("size", logged->size).member("index", release->index);
    json.member("applied", logged->applied.size()).member("changed", logged->changed.size());
    json.member("revoked", logged->revoked.size()).member("proof", bundle + ".proof").end_object();
    std::cout << out << '\n';
  } else {
    std::cout << bundle << ": entry " << release->index << " of " << logged->size << "; " << logged->applied.size()
              << " orders added, " << logged->changed.size() << " changed, " << logged->revoked.size()
              << " revoked; wrote " << bundle << ".proof\n";
  }
  return kFine;
}

}  // namespace

int run_log_init(const OwnLog& own, const std::string& origin) {
  const auto key = make_log_key(own.key, origin);
  if (!key) return complain(key.error(), kAnswerIsNo);
  OrderLog log(own.folder, secrets_of(own), *key);
  if (auto opened = log.open(); !opened) return complain(opened.error(), kAnswerIsNo);
  if (own.json) {
    std::string out;
    JsonWriter(out).begin_object().member("verifier", key->who.text()).member("size", log.size()).end_object();
    std::cout << out << '\n';
  } else {
    std::cout << key->who.text() << '\n';
  }
  return kFine;
}

int run_log_append(const OwnLog& own, const std::vector<std::string>& bundles, UnixSeconds now) {
  auto key = read_log_key(own.key);
  if (!key) return complain(key.error(), kAnswerIsNo);
  OrderLog log(own.folder, secrets_of(own), *std::move(key));
  if (auto revealed = log.reveal(now); !revealed) return complain(revealed.error(), kAnswerIsNo);
  for (const std::string& bundle : bundles) {
    if (const int code = append_one(log, own, bundle, now); code != kFine) return code;
  }
  return kFine;
}

int run_log_reveal(const OwnLog& own, UnixSeconds now) {
  auto key = read_log_key(own.key);
  if (!key) return complain(key.error(), kAnswerIsNo);
  OrderLog log(own.folder, secrets_of(own), *std::move(key));
  const auto revealed = log.reveal(now);
  if (!revealed) return complain(revealed.error(), kAnswerIsNo);
  std::cout << (own.json ? R"({"revealed":)" + std::to_string(*revealed) + "}"
                         : std::to_string(*revealed) + " revealed")
            << '\n';
  return kFine;
}

int run_log_verify(const AnyLog& log, UnixSeconds now) {
  const auto who = parse_verifier(log.verifier);
  if (!who) return complain("--key: " + std::string(to_string(who.error())), kBadCommandLine);
  const auto audit = audit_log(files_of(log.where), *who, now);
  if (!audit.has_value()) return complain(audit.error().detail, kAnswerIsNo);
  if (log.json) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("origin", audit->head.origin).member("size", audit->head.size);
    json.member("root", to_hex(audit->head.root)).key("entries").begin_object();
    for (const auto& [type, count] : audit->entries) json.member(type, count);
    json.end_object().member("lists", audit->lists).member("sealed", audit->sealed).key("problems").begin_array();
    for (const std::string& problem : audit->problems) json.value(problem);
    json.end_array().member("ok", audit->problems.empty()).end_object();
    std::cout << out << '\n';
  } else {
    std::cout << "log     " << audit->head.origin << ", " << audit->head.size << " entries\nroot    "
              << to_hex(audit->head.root) << '\n';
    for (const auto& [type, count] : audit->entries) std::cout << type << "  " << count << '\n';
    std::cout << "lists   " << audit->lists << " target lists as the entries say\n";
    for (const std::string& problem : audit->problems) std::cout << "WRONG   " << problem << '\n';
    if (audit->problems.empty()) std::cout << "every rule of the log is kept\n";
  }
  return audit->problems.empty() ? kFine : kAnswerIsNo;
}

int run_proof(const AnyLog& log, const std::string& order) {
  const auto who = parse_verifier(log.verifier);
  if (!who) return complain("--key: " + std::string(to_string(who.error())), kBadCommandLine);
  const LogFiles files = files_of(log.where);
  const auto proved = prove_order(files, *who, order);
  if (!proved.has_value()) return complain(proved.error().detail, kAnswerIsNo);
  if (!log.json) {
    std::cout << to_text(proved->proof);
    return kFine;
  }
  const auto text = open_note(proved->proof.checkpoint, *who);
  const auto head = text.has_value() ? parse_checkpoint(*text) : std::unexpected(text.error());
  if (!head.has_value()) return complain("checkpoint: " + std::string(to_string(head.error())), kAnswerIsNo);
  std::cout << proof_json(*proved, *head) << '\n';
  return kFine;
}

}  // namespace sluice
