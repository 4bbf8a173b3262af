#pragma once

#include <cstdint>
#include <string>

#include "control/ctl/live.h"

namespace sluice {

// What an operator changes at the gateway. Exit codes as of live.h; 1 also where the data plane does not run the image.

int run_refuse(const LiveOptions& options, const std::string& feed, const std::string& order, const std::string& code,
               const std::string& why);
int run_unrefuse(const LiveOptions& options, const std::string& feed, const std::string& order);
/// `order` empty: the whole feed.
int run_shadow(const LiveOptions& options, const std::string& feed, const std::string& order, bool on);

/// Takes up the inbox, with all that is new in shadow.
int run_stage(const LiveOptions& options);
/// Enforces what is held back; `feed` empty: of all feeds. `within_s`: undone by then unless confirmed; 0: not.
int run_enforce(const LiveOptions& options, const std::string& feed, std::int64_t within_s);
int run_confirm(const LiveOptions& options, const std::string& feed);
int run_undo(const LiveOptions& options, const std::string& feed);
/// What the last bundle of each feed changed.
int run_diff(const LiveOptions& options, const std::string& feed);

}  // namespace sluice
