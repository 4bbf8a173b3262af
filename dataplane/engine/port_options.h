#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/options.h"

namespace sluice {

// What the command line says of ports. All throw BadOption (option_text.h).

/// Options::ports from the texts of `--port`, and Policy::copies.
void set_ports(Options& options, const std::vector<std::string>& texts);
/// Policy::paths from those of `--next-hop`; after set_ports().
void set_next_hops(Options& options, const std::vector<std::string>& texts);
/// What mirror mode allows and takes, once all else is set; `rows`: the texts of `--row`.
void check_mirror(const Options& options, const std::vector<std::string>& rows);

}  // namespace sluice
