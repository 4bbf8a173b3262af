#pragma once

#include <string>

namespace sluice {

/// One line on stderr, "sluicectl: WHAT"; returns `code`, so that a command ends with it.
int complain(const std::string& what, int code);

/// Writes a new file with these permissions; false, and the reason on stderr, where it exists or cannot be written.
/// `replace`: takes the place of one that exists.
bool write_output(const std::string& file, const std::string& bytes, unsigned mode, bool replace);

}  // namespace sluice
