#pragma once

#include <memory>
#include <string>

#include "rules/compile/accepted.h"
#include "rules/compile/request.h"
#include "rules/guard/guard_run.h"
#include "rules/image/image.h"
#include "rules/sign/root_chain.h"
#include "rules/text/config.h"

namespace sluice {

/// Bundles in, signed image out. Trusts nobody who asks: roots, keys, limits and the memory of what was accepted come
/// from its own configuration and state.
class Compiler {
 public:
  /// `guard`: what it refuses is left out of the image, whoever asks. `group`: of the images, so that the data plane
  /// may read them.
  Compiler(Config config, std::shared_ptr<const Guard> guard, const Ed25519SecretKey& key, std::optional<gid_t> group)
      : config_(std::move(config)), guard_(std::move(guard)), key_(key), group_(group) {}

  /// One request, judged at `now`. Atomic: what was accepted is remembered, and the image gets its name, only when all
  /// of it is good; memory first. Holds a lock on the state folder meanwhile. Accepts for each feed a greater (epoch,
  /// seq), or the very same bundle again, even when that has expired since; a delta only on the bundle accepted last;
  /// and refuses a request that leaves out a configured feed of which a bundle was accepted. Roots that the request
  /// brings are judged first, and kept at once where they count.
  [[nodiscard]] CompileOutcome run(const CompileRequest& request, UnixSeconds now) const;

 private:
  struct Loaded;
  struct Judged;
  [[nodiscard]] Result<Loaded, CompileFailure> load(const CompileRequest& request, const AcceptedBundles& accepted,
                                                    UnixSeconds now) const;
  [[nodiscard]] Result<Judged, CompileFailure> verify(const FeedBundle& bundle, const FeedConfig& feed,
                                                      const AcceptedBundles& accepted, UnixSeconds now) const;
  [[nodiscard]] Result<RootChain, CompileFailure> follow_roots(const FeedBundle& bundle, const FeedConfig& feed) const;
  [[nodiscard]] Result<std::string, CompileFailure> store(Bytes image, const std::string& out, const Loaded& loaded,
                                                          AcceptedBundles& accepted) const;

  Config config_;
  std::shared_ptr<const Guard> guard_;
  Ed25519SecretKey key_;
  std::optional<gid_t> group_;
};

}  // namespace sluice
