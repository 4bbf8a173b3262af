// sluice-compile: verifies bundles and makes the signed rule image. No network, own user.
#include <sodium.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>

#include "rules/compile/compiler.h"
#include "rules/compile/confine.h"
#include "rules/compile/image_key.h"
#include "rules/compile/serve.h"
#include "rules/guard/load.h"
#include "rules/text/config.h"

namespace {

using namespace sluice;

enum Exit { kFine = 0, kNo = 1, kUsage = 2 };
constexpr std::size_t kMaxConfigBytes = 1 << 20;

struct Options {
  std::string new_key, public_key, config, serve, out;
  std::vector<std::string> bundles, signatures;
  std::optional<gid_t> group;
};

int complain(const std::string& what) {
  std::fprintf(stderr, "sluice-compile: %s\n", what.c_str());
  return kNo;
}

std::optional<Config> load_config(const std::string& path) {
  const auto text = read_small_file(path, kMaxConfigBytes);
  if (!text) {
    complain(text.error().detail);
    return std::nullopt;
  }
  auto config = read_config(*text);
  if (config) return std::move(*config);
  for (const TextError& error : config.error()) std::fprintf(stderr, "%s\n", to_string(error, path).c_str());
  return std::nullopt;
}

/// "FEED=FILE" → both; nothing where there is no "=".
std::optional<std::pair<std::string, std::string>> split(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) return std::nullopt;
  return std::pair(text.substr(0, at), text.substr(at + 1));
}

/// The request that the command line says; nothing where it does not say one.
std::optional<CompileRequest> request_of(const Options& options) {
  CompileRequest request{{}, options.out};
  for (const std::string& text : options.bundles) {
    const auto bundle = split(text);
    if (!bundle) return std::nullopt;
    request.bundles.push_back({bundle->first, {bundle->second, {}}});
  }
  for (const std::string& text : options.signatures) {
    const auto signature = split(text);
    if (!signature) return std::nullopt;
    const auto owner = std::ranges::find(request.bundles, signature->first, &FeedBundle::feed);
    if (owner == request.bundles.end()) return std::nullopt;
    owner->paths.signatures.push_back(signature->second);
  }
  return request;
}

int compile_once(const Options& options, const Compiler& compiler) {
  const auto request = request_of(options);
  if (!request) {
    complain("--bundle and --signature are FEED=FILE, and a signature is of a bundle given");
    return kUsage;
  }
  if (const auto confined = give_up_network(); !confined) return complain(confined.error());
  const CompileOutcome outcome = compiler.run(*request, static_cast<UnixSeconds>(std::time(nullptr)));
  std::printf("%s\n", write_answer(outcome).c_str());
  return outcome.has_value() ? kFine : kNo;
}

int serve(const Options& options, const Compiler& compiler) {
  auto socket = CompileSocket::listen(options.serve, options.group);
  if (!socket) return complain(socket.error());
  if (const auto confined = give_up_network(); !confined) return complain(confined.error());
  std::fprintf(stderr, "ready socket=%s\n", options.serve.c_str());
  socket->serve(compiler);
  return kFine;
}

int run(const Options& options) {
  if (!options.new_key.empty()) {
    const auto made = make_image_key(options.new_key, options.public_key);
    return made ? kFine : complain(made.error());
  }
  auto config = load_config(options.config);
  if (!config) return kNo;
  const auto key = read_image_key(config->compile_key);
  if (!key) return complain(key.error());
  auto guard = load_guard(config->guards);
  if (!guard) return complain(guard.error());
  const Compiler compiler(std::move(*config), std::make_shared<const Guard>(std::move(*guard)), *key, options.group);
  return options.serve.empty() ? compile_once(options, compiler) : serve(options, compiler);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  gid_t group = 0;
  CLI::App app("Verifies bundles and makes the signed rule image.", "sluice-compile");
  auto* const new_key = app.add_option("--new-key", options.new_key, "make the image signer's key pair: secret file");
  auto* const public_key = app.add_option("--public", options.public_key, "public file of --new-key")->needs(new_key);
  new_key->needs(public_key);
  auto* const config = app.add_option("--config", options.config, "sluice.yaml")->excludes(new_key);
  auto* const serve = app.add_option("--serve", options.serve, "answer requests at this socket")->needs(config);
  auto* const bundle = app.add_option("--bundle", options.bundles, "FEED=FILE, one a feed")->needs(config);
  app.add_option("--signature", options.signatures, "FEED=FILE, any number")->needs(bundle);
  auto* const out = app.add_option("--out", options.out, "folder of the image")->needs(bundle);
  bundle->needs(out);
  serve->excludes(bundle);
  auto* const group_option = app.add_option("--group", group, "group of socket and images")->needs(config);
  try {
    app.parse(argc, argv);
    if (new_key->count() == 0 && serve->count() == 0 && bundle->count() == 0) {
      throw CLI::RequiredError("one of --new-key, --bundle and --serve");
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  if (group_option->count() > 0) options.group = group;
  if (sodium_init() < 0) return complain("libsodium does not start");
  return run(options);
}
