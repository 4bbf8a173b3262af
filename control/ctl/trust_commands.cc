#include "control/ctl/trust_commands.h"

#include <ctime>
#include <functional>
#include <memory>

#include "control/ctl/author.h"
#include "control/ctl/command.h"
#include "control/ctl/complain.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/live.h"
#include "control/ctl/root.h"
#include "control/ctl/token.h"

namespace sluice {
namespace {

void add_root_options(CLI::App* c, const std::shared_ptr<RootOptions>& o, const std::string& key_help) {
  c->add_option("--key,--add", o->keys, key_help);
  c->add_option("--threshold", o->thresholds, "PARTY=N: signatures of that party that are needed (default 1)");
  c->add_option_function<std::string>(
       "--expires-in",
       [o](const std::string& text) {
         const auto seconds = duration_from(text);
         if (!seconds) throw CLI::ValidationError("want a number and s, m, h or d, such as 365d", 1);
         o->valid_s = *seconds;
       },
       "validity from now on (default 365d)")
      ->type_name("DURATION");
  c->add_option("--out", o->out, "file to write (default: stdout)");
  c->add_flag("--json", o->json, "print JSON");
}

void add_init_options(CLI::App* c, const std::shared_ptr<RootOptions>& o) {
  c->add_option("--feed", o->feed, "feed");
  c->add_option("--root-version", o->version, "version of the root")->check(CLI::PositiveNumber)->capture_default_str();
  c->add_option("--epoch", o->epoch, "epoch of the bundles it speaks for")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_root_options(c, o, "PARTY:FILE.pub[:NAME]; PARTY = requester, independent, operator");
}

int init(const RootOptions& options) {
  if (options.feed.empty() || options.keys.empty()) {
    return complain("root init: --feed and --key are required", kBadCommandLine);
  }
  return run_root(options, now_s());
}

/// A key file, or a key of a token.
struct SignOptions {
  std::string key, module, label, pin_file, public_key;
  std::vector<std::string> files;
  bool json = false;
};

int run_sign_with(const SignOptions& o) {
  if (o.module.empty() == o.key.empty()) return complain("sign: either --key or --pkcs11", kBadCommandLine);
  if (o.module.empty()) return run_sign(o.key, o.files, o.json);
  if (o.public_key.empty()) return complain("sign: --pkcs11 needs --public", kBadCommandLine);
  const auto signer = token_signer({o.module, o.label, o.pin_file, o.public_key});
  if (!signer) return complain(signer.error(), kAnswerIsNo);
  return run_sign(*signer, o.files, o.json);
}

void add_sign(CLI::App& parent, int& code, const std::string& what) {
  auto o = std::make_shared<SignOptions>();
  CLI::App* c = add_command(parent, code, "sign", what, [o] { return run_sign_with(*o); });
  c->add_option("--key", o->key, "secret key");
  c->add_option("--pkcs11", o->module, "sign with a token instead: its PKCS#11 module");
  c->add_option("--label", o->label, "of the key in the token (default: the only Ed25519 key)");
  c->add_option("--pin-file", o->pin_file, "holds the PIN (default: asked for)");
  c->add_option("--public", o->public_key, "minisign public key file of that key: gives the key number");
  c->add_option("FILE", o->files, "bundles and roots")->required();
  c->add_flag("--json", o->json, "print JSON");
}

void add_token_public(CLI::App& app, int& code) {
  struct Options {
    TokenKey key;
    std::string out;
  };
  auto o = std::make_shared<Options>();
  CLI::App* c = add_command(app, code, "token-public", "write the minisign public key file of a key in a token",
                            [o] { return run_token_public(o->key, o->out); });
  c->add_option("--pkcs11", o->key.module, "PKCS#11 module")->required();
  c->add_option("--label", o->key.label, "of the key in the token (default: the only Ed25519 key)");
  c->add_option("--pin-file", o->key.pin_file, "holds the PIN (default: asked for)");
  c->add_option("--out", o->out, "file to write")->required();
}

void add_root(CLI::App& app, int& code) {
  auto o = std::make_shared<RootOptions>();
  CLI::App* root = app.add_subcommand("root", "the root of trust of a feed; without another word: init");
  root->callback([root, o, &code] {
    if (root->get_subcommands().empty()) code = init(*o);
  });
  add_init_options(root, o);

  auto first = std::make_shared<RootOptions>();
  add_init_options(add_command(*root, code, "init", "write the first root of a feed", [first] { return init(*first); }),
                   first);

  auto next = std::make_shared<RootOptions>();
  auto file = std::make_shared<std::string>();
  CLI::App* rotate =
      add_command(*root, code, "rotate", "write the root that follows one: keys added, keys gone, a new expiry",
                  [=] { return run_root_rotate(*file, *next, now_s()); });
  rotate->add_option("ROOT", *file, "the current root")->required();
  rotate->add_option("--remove", next->gone, "KEYID that goes");
  rotate->add_flag("--new-epoch", next->new_epoch, "bundles count anew: after a seq too far ahead, or stolen keys");
  add_root_options(rotate, next, "PARTY:FILE.pub[:NAME] that comes");

  add_sign(*root, code, "show what a root says, and sign it: ROOT.KEYID.minisig");

  auto shown = std::make_shared<std::string>();
  auto previous = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* show = add_command(*root, code, "show", "what a root says, and whether it may follow another",
                               [=] { return run_root_show(*shown, *previous, *json, now_s()); });
  show->add_option("ROOT", *shown, "root")->required();
  show->add_option("--previous", *previous, "the root that it should follow, by the signatures beside it");
  show->add_flag("--json", *json, "print JSON");
}

void add_alarms(CLI::App& app, int& code) {
  auto live = std::make_shared<LiveOptions>();
  const auto live_command = [&](const std::string& name, const std::string& what, std::function<int()> run) {
    CLI::App* c = add_command(app, code, name, what, std::move(run));
    c->add_option("--socket", live->socket, "socket of sluiced")->capture_default_str();
    c->add_flag("--json", live->json, "print JSON");
    return c;
  };
  live_command("alarms", "what is wrong; a star marks what stays until it is acknowledged",
               [live] { return run_alarms(*live); });
  auto alarm = std::make_shared<std::string>();
  auto feed = std::make_shared<std::string>();
  CLI::App* ack = live_command("ack", "acknowledge an alarm that stays", [=] { return run_ack(*live, *alarm, *feed); });
  ack->add_option("CODE", *alarm, "such as rollback")->required();
  ack->add_option("FEED", *feed, "its feed, where it has one");
}

}  // namespace

void add_trust_commands(CLI::App& app, int& code) {
  add_root(app, code);
  add_sign(app, code, "show what a bundle or a root says, and sign it: FILE.KEYID.minisig");
  add_token_public(app, code);
  add_alarms(app, code);
}

}  // namespace sluice
