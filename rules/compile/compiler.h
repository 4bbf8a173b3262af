#pragma once

#include <string>

#include "rules/compile/accepted.h"
#include "rules/compile/request.h"
#include "rules/image/image.h"
#include "rules/text/config.h"

namespace sluice {

/// Bundles in, signed image out. Trusts nobody who asks: roots, keys, limits and the memory of what was accepted come
/// from its own configuration and state.
class Compiler {
 public:
  /// `group`: of the images, so that the data plane may read them.
  Compiler(Config config, const Ed25519SecretKey& key, std::optional<gid_t> group)
      : config_(std::move(config)), key_(key), group_(group) {}

  /// One request, judged at `now`. Atomic: what was accepted is remembered, and the image gets its name, only when all
  /// of it is good; memory first. Holds a lock on the state folder meanwhile. Accepts for each feed a greater (epoch,
  /// seq), or the very same bundle again, even when that has expired since; and refuses a request that leaves out a
  /// configured feed of which a bundle was accepted.
  [[nodiscard]] CompileOutcome run(const CompileRequest& request, UnixSeconds now) const;

 private:
  struct Loaded;
  [[nodiscard]] Result<Loaded, CompileFailure> load(const CompileRequest& request, const AcceptedBundles& accepted,
                                                    UnixSeconds now) const;
  [[nodiscard]] Result<VerifiedSnapshot, CompileFailure> verify(const FeedBundle& bundle, const FeedConfig& feed,
                                                                const AcceptedBundles& accepted, UnixSeconds now) const;
  [[nodiscard]] Result<std::string, CompileFailure> store(Bytes image, const std::string& out, const Loaded& loaded,
                                                          AcceptedBundles& accepted) const;

  Config config_;
  Ed25519SecretKey key_;
  std::optional<gid_t> group_;
};

}  // namespace sluice
