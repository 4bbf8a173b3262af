#include "control/ctl/complain.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <string_view>

#include "control/ctl/exit_code.h"

namespace sluice {

int complain(const std::string& what, int code) {
  std::cerr << "sluicectl: " << what << '\n';
  return code;
}

bool write_output(const std::string& file, const std::string& bytes, unsigned mode, bool replace) {
  // A file that exists is replaced by rename, so that nobody sees half of it.
  const std::string target = replace ? file + ".new" : file;
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (replace ? O_TRUNC : O_EXCL);
  const int fd = ::open(target.c_str(), flags, mode);
  if (fd < 0) return complain(target + ": " + std::strerror(errno), kAnswerIsNo), false;
  std::string_view rest = bytes;
  bool ok = true;
  while (ok && !rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    ok = n > 0 || (n < 0 && errno == EINTR);
    if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  }
  ok = ::close(fd) == 0 && ok;
  if (ok && replace) ok = ::rename(target.c_str(), file.c_str()) == 0;
  if (!ok) complain(file + ": " + std::strerror(errno), kAnswerIsNo);
  return ok;
}

}  // namespace sluice
