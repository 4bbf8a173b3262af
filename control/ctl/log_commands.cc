#include "control/ctl/log_commands.h"

#include <memory>
#include <string>
#include <vector>

#include "control/ctl/command.h"
#include "control/ctl/log_runs.h"

namespace sluice {
namespace {

void add_own_log(CLI::App* command, const std::shared_ptr<OwnLog>& own) {
  command->add_option("--dir", own->folder, "folder of the log: what is public")->required();
  command->add_option("--key", own->key, "key of the log")->required();
  command->add_option("--private", own->secrets, "folder for what is not public yet (default: DIR.private)");
  command->add_flag("--json", own->json, "print JSON");
}

}  // namespace

void add_log_commands(CLI::App& app, int& code) {
  CLI::App* log = app.add_subcommand("log", "a log of orders that anybody can check");
  log->require_subcommand(1);

  auto own = std::make_shared<OwnLog>();
  auto origin = std::make_shared<std::string>();
  CLI::App* init = add_command(*log, code, "init", "make a log and its key; prints the verifier for others to pin",
                               [=] { return run_log_init(*own, *origin); });
  add_own_log(init, own);
  init->add_option("--origin", *origin, "name of the log, such as log.pta.example/orders")->required();

  auto bundles = std::make_shared<std::vector<std::string>>();
  CLI::App* append = add_command(*log, code, "append", "log what bundles order; writes BUNDLE.proof for the gateways",
                                 [=] { return run_log_append(*own, *bundles, now_s()); });
  add_own_log(append, own);
  append->add_option("BUNDLE", *bundles, "snapshots, oldest first")->required();

  CLI::App* reveal = add_command(*log, code, "reveal", "publish what was delayed until now",
                                 [=] { return run_log_reveal(*own, now_s()); });
  add_own_log(reveal, own);

  auto any = std::make_shared<AnyLog>();
  CLI::App* verify = add_command(*log, code, "verify", "audit a whole log from its files alone",
                                 [=] { return run_log_verify(*any, now_s()); });
  verify->add_option("LOG", any->where, "folder or URL")->required();
  verify->add_option("--key", any->verifier, "verifier of the log (NAME+HASH+KEY)")->required();
  verify->add_flag("--json", any->json, "print JSON");

  auto order = std::make_shared<std::string>();
  auto of = std::make_shared<AnyLog>(AnyLog{"/var/lib/sluice/log", "", false});
  CLI::App* proof =
      add_command(app, code, "proof", "the inclusion proof of an order's latest entry in a log (C2SP tlog-proof)",
                  [=] { return run_proof(*of, *order); });
  proof->add_option("ID", *order, "order, or \"FEED EPOCH SEQ\" of a release")->required();
  proof->add_option("--log", of->where, "folder or URL")->capture_default_str();
  proof->add_option("--key", of->verifier, "verifier of the log (NAME+HASH+KEY)")->required();
  proof->add_flag("--json", of->json, "print JSON: entry, index, size, hashes in hex");
}

}  // namespace sluice
