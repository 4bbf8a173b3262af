#include "control/ctl/receipt_commands.h"

#include <iostream>
#include <memory>
#include <string>

#include "control/ctl/client.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ledger/receipt.h"
#include "rules/text/small_file.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxReceiptBytes = 16 << 20;

/// "pta.example/terror 1/7: 3 orders, 9 targets since …": a receipt in one line.
std::string line_of(const JsonValue& receipt) {
  const JsonValue* counts = receipt.find("counts");
  const JsonValue::Array* refusals = receipt.items("refusals");
  std::string out(receipt.text("feed"));
  out += " " + std::to_string(receipt.number("epoch")) + "/" + std::to_string(receipt.number("seq"));
  out.append(": in force since ").append(receipt.text("applied_at")).append(" at ").append(receipt.text("gateway"));
  if (counts != nullptr) {
    out += ", " + std::to_string(counts->number("orders")) + " orders, " + std::to_string(counts->number("targets")) +
           " targets";
  }
  out += ", " + std::to_string(refusals == nullptr ? 0 : refusals->size()) + " refused";
  return out + "\n";
}

int run_receipts(const std::string& socket, const std::string& feed, bool json) {
  std::map<std::string, std::string> query;
  if (!feed.empty()) query["feed"] = feed;
  const auto answer = ask_sluiced(socket, "GET", "/v1/receipts", query, "");
  if (!answer) return complain(answer.error(), kOutOfReach);
  if (answer->status != 200)
    return complain("sluiced answers with status " + std::to_string(answer->status), kAnswerIsNo);
  if (json) {
    std::cout << answer->body;
    return kFine;
  }
  const auto list = read_json(answer->body);
  const JsonValue::Array* receipts = list ? list->items("receipts") : nullptr;
  if (receipts == nullptr) return complain("sluiced answered with something else", kAnswerIsNo);
  for (const JsonValue& one : *receipts) {
    if (const auto receipt = read_json(one.text("receipt"))) std::cout << line_of(*receipt);
  }
  return kFine;
}

int run_receipt_verify(const std::string& file, std::string signature_file, const std::string& key_file, bool json) {
  if (signature_file.empty()) signature_file = file + ".minisig";
  const auto receipt = read_regular_file(file, kMaxReceiptBytes);
  if (!receipt) return complain(file + ": " + receipt.error(), kAnswerIsNo);
  const auto signature = read_regular_file(signature_file, kMaxMinisignBytes);
  if (!signature) return complain(signature_file + ": " + signature.error(), kAnswerIsNo);
  const auto key_text = read_regular_file(key_file, kMaxMinisignBytes);
  if (!key_text) return complain(key_file + ": " + key_text.error(), kAnswerIsNo);
  const auto key = read_public_key(*key_text);
  if (!key.has_value()) return complain(key_file + ": " + std::string(to_string(key.error())), kAnswerIsNo);
  const auto verified = verify_receipt(*receipt, *signature, *key);
  if (!verified) return complain(file + ": " + verified.error(), kAnswerIsNo);
  std::cout << (json ? *receipt : line_of(*verified));
  return kFine;
}

}  // namespace

void add_receipt_commands(CLI::App& app, int& code) {
  auto socket = std::make_shared<std::string>("/run/sluice/sluiced.sock");
  auto feed = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* receipts = app.add_subcommand("receipts", "what this gateway acknowledged, the latest first");
  receipts->callback([=, &code] { code = run_receipts(*socket, *feed, *json); });
  receipts->add_option("--socket", *socket, "socket of sluiced")->capture_default_str();
  receipts->add_option("--feed", *feed, "of this feed only");
  receipts->add_flag("--json", *json, "print JSON: the signed texts");

  CLI::App* receipt = app.add_subcommand("receipt", "a gateway's acknowledgement of a bundle");
  receipt->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  auto signature = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  CLI::App* verify = receipt->add_subcommand("verify", "say whether a gateway signed it");
  verify->callback([=, &code] { code = run_receipt_verify(*file, *signature, *key, *json); });
  verify->add_option("RECEIPT", *file, "receipt")->required();
  verify->add_option("SIGNATURE", *signature, "its signature (default: RECEIPT.minisig)");
  verify->add_option("--key", *key, "the gateway's public key (minisign)")->required();
  verify->add_flag("--json", *json, "print the receipt");
}

}  // namespace sluice
