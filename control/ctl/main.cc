#include <cstdlib>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "control/ctl/author.h"
#include "control/ctl/command.h"
#include "control/ctl/complain.h"
#include "control/ctl/convert.h"
#include "control/ctl/exit_code.h"
#include "control/ctl/inspect/inspect.h"
#include "control/ctl/live.h"
#include "control/ctl/log_commands.h"
#include "control/ctl/operate.h"
#include "control/ctl/receipt_commands.h"
#include "control/ctl/referrals.h"
#include "control/ctl/trust_commands.h"
#include "rules/text/rfc3339.h"

// Each command: its options, and what runs when it was chosen. The outcome lands in `code`.
namespace {

using namespace sluice;

struct Commands {
  CLI::App& app;
  int& code;

  /// A subcommand whose callback sets the exit code.
  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& what, std::function<int()> run) const {
    return add_command(parent, code, name, what, std::move(run));
  }
};

/// A duration option such as 14d, straight into seconds.
void add_duration(CLI::App* command, const std::string& flag, UnixSeconds& to, const std::string& what) {
  command
      ->add_option_function<std::string>(
          flag,
          [&to](const std::string& text) {
            const auto seconds = duration_from(text);
            if (!seconds) throw CLI::ValidationError("want a number and s, m, h or d, such as 14d", 1);
            to = *seconds;
          },
          what)
      ->type_name("DURATION");
}

/// For numbers of bundles and roots: CLI11 takes -1 for the largest of them.
CLI::Validator from_one() {
  return {[](const std::string& text) {
            const bool from_one = text.front() != '-' && text.find_first_not_of('0') != std::string::npos;
            return std::string(from_one ? "" : text + ": want a number from 1 on");
          },
          ""};
}

void add_json(CLI::App* command, bool& json) {
  command->add_flag("--json", json, "print JSON");
}

void add_check(const Commands& to) {
  auto o = std::make_shared<CheckOptions>();
  CLI::App* c = to.add(to.app, "check", "read order files strictly and ask the guards; all errors as file:line:column",
                       [=] { return run_check(*o, now_s()); });
  c->add_option("FILE", o->files, "order files (YAML)")->required();
  c->add_option("--protected", o->guards.protected_files, "more protected names (G2): CATEGORY SCOPE NAME a line")
      ->expected(1);
  c->add_option("--popular", o->guards.popular_files, "more popular names (G5, G6): a name a line, or RANK,NAME")
      ->expected(1);
  c->add_option("--referrals", o->referrals, "ledger that URLs and accounts go into");
  c->add_option("--platforms", o->guards.platform_files, "more shared platforms (G5): a name a line")->expected(1);
  add_json(c, o->json);
}

void add_bundle(const Commands& to) {
  auto o = std::make_shared<BundleOptions>();
  CLI::App* c =
      to.add(to.app, "bundle", "make a snapshot of a feed from order files", [=] { return run_bundle(*o, now_s()); });
  c->add_option("--feed", o->feed, "feed, as the gateway configures it")->required();
  c->add_option("--epoch", o->epoch, "epoch of the feed's root")->check(from_one())->capture_default_str();
  c->add_option("--seq", o->seq, "number of this bundle, greater than any before")->check(from_one())->required();
  c->add_option("--root", o->root, "version of the feed's root")->check(from_one())->capture_default_str();
  auto* const prev = c->add_option("--prev", o->prev, "the snapshot before this one");
  auto* const base = c->add_option("--base", o->base, "the same; write a delta on it")->excludes(prev);
  c->add_option("--whole", o->whole, "file for the snapshot that results (default OUT.whole)")->needs(base);
  c->add_option("--churn-why", o->churn_why, "why so many targets are new at once (guard G7; also of a first bundle)");
  add_duration(c, "--expires-in", o->valid_s, "validity from now on, at most 30d (default 14d)");
  c->add_option("--out", o->out, "file to write (default FEED-EPOCH-SEQ.jsonl)");
  c->add_option("FILE", o->files, "order files (YAML)")->required();
  add_json(c, o->json);
}

void add_keys(const Commands& to) {
  auto out = std::make_shared<std::string>();
  auto password = std::make_shared<bool>(false);
  auto json = std::make_shared<bool>(false);
  CLI::App* keygen = to.add(to.app, "keygen", "make a minisign key pair: NAME.key, NAME.pub",
                            [=] { return run_keygen(*out, *password, *json); });
  keygen->add_option("--out", *out, "NAME of the two files")->required();
  keygen->add_flag("--password", *password, "encrypt the secret key");
  add_json(keygen, *json);
}

void add_verify(const Commands& to) {
  auto json = std::make_shared<bool>(false);
  auto root = std::make_shared<std::string>();
  auto bundle = std::make_shared<std::string>();
  auto signatures = std::make_shared<std::vector<std::string>>();
  CLI::App* verify = to.add(to.app, "verify", "say whether a bundle counts, and who signed it",
                            [=] { return run_verify(*root, *bundle, *signatures, *json, now_s()); });
  verify->add_option("--root", *root, "root of trust")->required();
  verify->add_option("BUNDLE", *bundle, "bundle")->required();
  verify->add_option("SIGNATURE", *signatures, "signatures (default: BUNDLE.*.minisig)");
  add_json(verify, *json);
}

/// A command that asks sluiced.
CLI::App* add_live(const Commands& to, const std::shared_ptr<LiveOptions>& live, const std::string& name,
                   const std::string& what, std::function<int()> run) {
  CLI::App* c = to.add(to.app, name, what, std::move(run));
  c->add_option("--socket", live->socket, "socket of sluiced")->capture_default_str();
  add_json(c, live->json);
  return c;
}

void add_live_commands(const Commands& to) {
  auto live = std::make_shared<LiveOptions>();
  auto causes = std::make_shared<bool>(false);
  add_live(to, live, "status", "feeds, image, data plane, counters, alarms", [=] {
    return run_status(*live, *causes);
  })->add_flag("--causes", *causes, "every counted cause");

  auto name = std::make_shared<std::string>();
  auto method = std::make_shared<std::string>();
  auto qtype = std::make_shared<std::string>();
  CLI::App* why = add_live(to, live, "why", "which order blocks a name, and by which target",
                           [=] { return run_why(*live, *name, *method, *qtype); });
  why->add_option("NAME", *name, "name")->required();
  why->add_option("--method", *method, "of blocking (default: any)")
      ->check(CLI::IsMember({"dns", "sni", "quic", "http"}));
  why->add_option("--qtype", *qtype, "DNS type (default A)");

  auto feed = std::make_shared<std::string>();
  add_live(to, live, "orders", "every order that stands, with its hits", [=] {
    return run_orders(*live, *feed);
  })->add_option("--feed", *feed, "of this feed only");

  add_live(to, live, "stage", "take up the inbox now, with all that is new in shadow",
           [=] { return run_stage(*live); });
  auto of_feed = std::make_shared<std::string>();
  auto enforce = std::make_shared<bool>(false);
  auto within = std::make_shared<UnixSeconds>(0);
  CLI::App* apply =
      add_live(to, live, "apply",
               "take up the inbox now, and hand the image over again; with an option: enforce what is staged", [=] {
                 const bool staged = *enforce || !of_feed->empty() || *within > 0;
                 return staged ? run_enforce(*live, *of_feed, *within) : run_apply(*live);
               });
  apply->add_flag("--staged", *enforce, "enforce what any feed holds back");
  apply->add_option("--feed", *of_feed, "enforce what this feed holds back");
  add_duration(apply, "--confirm-within", *within, "undo it then, unless it was confirmed");
  add_live(to, live, "confirm", "enforce for good what was staged or applied", [=] {
    return run_confirm(*live, *of_feed);
  })->add_option("--feed", *of_feed, "of this feed only");
  add_live(to, live, "undo", "put in shadow again what the last bundle brought", [=] {
    return run_undo(*live, *of_feed);
  })->add_option("--feed", *of_feed, "of this feed only");
  add_live(to, live, "diff", "what the last bundle changed, and what of it is enforced", [=] {
    return run_diff(*live, *of_feed);
  })->add_option("--feed", *of_feed, "of this feed only");

  auto on = std::make_shared<std::string>();
  CLI::App* bypass = add_live(to, live, "bypass", "on: let everything pass by the workers; off: steer again",
                              [=] { return run_bypass(*live, *on == "on"); });
  bypass->add_option("SWITCH", *on, "on or off")->required()->check(CLI::IsMember({"on", "off"}));
  bypass->add_option("--dir", live->wire, "pins of sluice-wire, where sluiced does not answer")->capture_default_str();
}

/// An operator's word on single orders.
void add_operator_commands(const Commands& to) {
  auto live = std::make_shared<LiveOptions>();
  auto order = std::make_shared<std::string>();
  auto feed = std::make_shared<std::string>();
  auto code = std::make_shared<std::string>();
  auto why = std::make_shared<std::string>();
  CLI::App* refuse = add_live(to, live, "refuse", "leave an order out, for a reason that is logged and acknowledged",
                              [=] { return run_refuse(*live, *feed, *order, *code, *why); });
  refuse->add_option("ORDER", *order, "id of the order")->required();
  refuse->add_option("--feed", *feed, "its feed")->required();
  refuse->add_option("--code", *code, "reason in a word, such as overblocking")->required();
  refuse->add_option("--why", *why, "reason in a sentence")->required();

  CLI::App* unrefuse =
      add_live(to, live, "unrefuse", "take a refusal back", [=] { return run_unrefuse(*live, *feed, *order); });
  unrefuse->add_option("ORDER", *order, "id of the order")->required();
  unrefuse->add_option("--feed", *feed, "its feed")->required();

  auto on = std::make_shared<std::string>();
  CLI::App* shadow = add_live(to, live, "shadow", "count what an order or a feed would block, and block nothing", [=] {
    const std::string& word = on->empty() ? *order : *on;
    if (word != "on" && word != "off") return complain(word + ": want on or off", kBadCommandLine);
    return run_shadow(*live, *feed, on->empty() ? "" : *order, word == "on");
  });
  shadow->add_option("--feed", *feed, "the feed; all of it where no order is named")->required();
  shadow->add_option("ORDER", *order, "id of the order")->required()->type_name("[ORDER]");
  shadow->add_option("SWITCH", *on, "on or off")->type_name("on|off");
}

/// Formats without a zone: of a bundle alone.
void add_export_lists(const Commands& to, CLI::App& formats) {
  struct Format {
    const char* name;
    const char* what;
    ListFormat format;
  };
  for (const Format& f :
       {Format{"hosts", "hosts file: exact names alone", ListFormat::Hosts},
        Format{"plain", "a name a line, of one scope", ListFormat::Plain},
        Format{"unbound", "local-zone and local-data for unbound.conf", ListFormat::Unbound},
        Format{"dnsmasq", "address=, server= and host-record= for dnsmasq.conf", ListFormat::Dnsmasq}}) {
    auto o = std::make_shared<ExportOptions>();
    auto scope = std::make_shared<std::string>();
    o->list.format = f.format;
    CLI::App* c = to.add(formats, f.name, f.what, [=] {
      o->list.now = now_s();
      o->list.scope = *scope == "subtree" ? Scope::Subtree : Scope::Exact;
      return run_export_list(*o);
    });
    c->add_option("BUNDLE", o->bundle, "bundle (its signatures are not asked for)")->required();
    c->add_option("--out", o->out, "file to write (default: stdout)");
    if (f.format == ListFormat::Plain) {
      c->add_option("--scope", *scope, "exact or subtree")->required()->check(CLI::IsMember({"exact", "subtree"}));
    }
  }
}

void add_export(const Commands& to) {
  auto live = std::make_shared<LiveOptions>();
  auto bundle = std::make_shared<std::string>();
  auto zone = std::make_shared<std::string>("rpz.sluice");
  auto out = std::make_shared<std::string>();
  CLI::App* formats = to.app.add_subcommand("export", "orders in the words of other tools");
  formats->require_subcommand(1);
  add_export_lists(to, *formats);
  CLI::App* rpz =
      to.add(*formats, "rpz", "response policy zone for resolvers, of a bundle or of what stands at sluiced", [=] {
        return bundle->empty() ? run_export_live(*live, *zone, *out) : run_export(*bundle, *zone, *out, now_s());
      });
  rpz->add_option("BUNDLE", *bundle, "bundle (its signatures are not asked for); none: ask sluiced");
  rpz->add_option("--socket", live->socket, "socket of sluiced")->capture_default_str();
  rpz->add_option("--zone", *zone, "apex of the zone")->capture_default_str();
  rpz->add_option("--out", *out, "file to write (default: stdout)");
}

void add_import(const Commands& to) {
  auto o = std::make_shared<ImportOptions>();
  CLI::App* c = to.add(to.app, "import", "an order file of another tool's list; what is lost is told, nothing widened",
                       [=] { return run_import(*o, now_s()); });
  c->add_option("FORMAT", o->format, "hosts, plain, adblock, rpz, dump (XML) or csv")
      ->required()
      ->check(CLI::IsMember({"hosts", "plain", "adblock", "rpz", "dump", "csv"}));
  c->add_option("FILE", o->file, "list")->required();
  c->add_option("--defaults", o->defaults, "file with schema, feed and defaults of an order file")->required();
  c->add_option("--id", o->id, "id of the first order; further ones get -2, -3 …")->required();
  c->add_option("--number", o->number, "the authority's number, where the list gives none")->required();
  c->add_option("--scope", o->scope, "of plain, and of csv without a column for it")
      ->check(CLI::IsMember({"exact", "subtree"}));
  c->add_option("--columns", o->columns, "of csv, in order: name, scope, number, or - for what is passed over");
  c->add_option("--separator", o->separator, "of csv")->capture_default_str();
  c->add_flag("--heading", o->heading, "the first line of csv names the columns");
  c->add_option("--referrals", o->referrals, "ledger that URLs and accounts go into");
  c->add_option("--out", o->out, "order file to write; long lists go beside it")->required();
  add_json(c, o->json);
}

/// The referral ledger: pages and accounts, which no order can block by name.
void add_referrals(const Commands& to) {
  CLI::App* all = to.app.add_subcommand("referrals", "pages and accounts that platforms were told of, and the outcome");
  all->require_subcommand(1);
  const auto command = [&](const char* name, const char* what, int (*run)(const ReferralOptions&, UnixSeconds)) {
    auto o = std::make_shared<ReferralOptions>();
    CLI::App* c = to.add(*all, name, what, [=] { return run(*o, now_s()); });
    c->add_option("--ledger", o->ledger, "file of the ledger (JSON Lines)")->required();
    return std::pair(c, o);
  };
  const auto [add, added] = command("add", "enter URLs or accounts as identified", run_referrals_add);
  add->add_option("TARGET", added->targets, "URL or account")->required();
  add->add_option("--order", added->order, "order that named it");
  add->add_option("--platform", added->platform, "whose it is (default: the domain of its host)");
  add->add_option("--note", added->note, "text");

  const auto [set, changed] = command("set", "what became of them", run_referrals_set);
  set->add_option("TARGET", changed->targets, "as entered")->required();
  set->add_option("--state", changed->state, "identified, referred, acted-on or refused")->required();
  set->add_option("--note", changed->note, "text");

  const auto [import, imported] =
      command("import", "enter what a file says (.csv, else JSON Lines)",
              [](const ReferralOptions& o, UnixSeconds) { return run_referrals_import(o); });
  import->add_option("FILE", imported->file, "file")->required();

  const auto [list, listed] = command("list", "figures of each platform",
                                      [](const ReferralOptions& o, UnixSeconds) { return run_referrals_list(o); });
  list->add_flag("--csv", listed->csv, "every entry, as CSV");
  add_json(list, listed->json);
}

void add_inspect(const Commands& to) {
  auto o = std::make_shared<InspectOptions>();
  auto format = std::make_shared<std::string>("jsonl");
  auto at = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* c = to.add(to.app, "inspect", "the names that the data plane reads in a capture", [=] {
    o->format = *format == "text" && !*json ? InspectOptions::Format::Text : InspectOptions::Format::Jsonl;
    if (!at->empty()) {
      o->at = parse_rfc3339(*at);
      if (!o->at) return complain("--at " + *at + ": want a time such as 2026-11-02T00:00:00Z", kBadCommandLine);
    }
    return run_inspect(*o, stdout, stderr);
  });
  c->add_option("FILE", o->file, "pcap or pcapng; - for standard input")->required();
  auto* const bundle =
      c->add_option("--bundle", o->bundle, "judge the names by this bundle (its signatures are not asked for)");
  auto* const image = c->add_option("--image", o->image, "judge them by this rule image instead")->excludes(bundle);
  image->needs(c->add_option("--image-key", o->image_key, "public key of its signer")->needs(image));
  c->add_option("--at", *at, "judge as of this time (default: each packet's own)");
  c->add_option("--format", *format, "jsonl or text")->check(CLI::IsMember({"jsonl", "text"}))->capture_default_str();
  add_json(c, *json);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"sluicectl: orders for authors, and a gateway for operators", "sluicectl"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "sluicectl " SLUICE_VERSION);
  app.footer("Exit codes: 0 fine, 1 the answer is no, 2 bad command line, 3 sluiced is out of reach.");
  int code = kFine;
  const Commands commands{app, code};
  add_check(commands);
  add_bundle(commands);
  add_keys(commands);
  add_verify(commands);
  add_trust_commands(app, code);
  add_live_commands(commands);
  add_operator_commands(commands);
  add_export(commands);
  add_import(commands);
  add_referrals(commands);
  add_inspect(commands);
  add_log_commands(app, code);
  add_receipt_commands(app, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // CLI11 misses the subcommand before it minds the word in its place.
    if (const auto stray = app.remaining(); e.get_exit_code() != 0 && !stray.empty()) {
      return complain(stray.front() + ": no such command or option; try --help", kBadCommandLine);
    }
    return app.exit(e) == 0 ? kFine : kBadCommandLine;
  } catch (const std::exception& e) {
    return complain(e.what(), kAnswerIsNo);
  }
  return code;
}
