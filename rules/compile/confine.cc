#include "rules/compile/confine.h"

#include <seccomp.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace sluice {

Result<void, std::string> give_up_network() {
  struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
  };
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return std::unexpected(std::string("seccomp: no filter"));
  // io_uring does what all the others do without calling them.
  for (const int call :
       {SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(execve), SCMP_SYS(execveat),
        SCMP_SYS(ptrace), SCMP_SYS(process_vm_writev), SCMP_SYS(io_uring_setup), SCMP_SYS(bpf)}) {
    if (const int error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0); error != 0) {
      return std::unexpected("seccomp: " + std::string(std::strerror(-error)));
    }
  }
  if (const int error = seccomp_load(filter.get()); error != 0) {
    return std::unexpected("seccomp: " + std::string(std::strerror(-error)));
  }
  return {};
}

}  // namespace sluice
