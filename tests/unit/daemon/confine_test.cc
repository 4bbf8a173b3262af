#include "control/daemon/confine.h"

#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <thread>

using namespace sluice;

namespace {

bool denied(long result) {
  return result == -1 && errno == EPERM;
}

/// In a child, since there is no way back; the exit code is the number of the first thing that is wrong.
int wrong_in_confinement() {
  std::atomic<bool> confined = false;
  bool early_is_denied = false;
  std::thread early([&] {
    confined.wait(false);
    early_is_denied = denied(::socket(AF_INET, SOCK_STREAM, 0));
  });
  const int open_before = ::socket(AF_INET, SOCK_STREAM, 0);
  if (!give_up_capabilities() || !give_up_calls() || ::listen(open_before, 1) != 0) return 1;
  confined = true;
  confined.notify_one();
  early.join();
  if (!early_is_denied) return 8;
  char path[] = "/bin/true";
  char* const arguments[] = {path, nullptr};
  if (!denied(::execv(path, arguments))) return 2;
  if (!denied(::syscall(SYS_fork)) || !denied(::fork())) return 3;
  if (!denied(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr))) return 4;
  for (const int family : {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET}) {
    if (!denied(::socket(family, SOCK_DGRAM, 0))) return 5;
  }
  if (::socket(AF_UNIX, SOCK_SEQPACKET, 0) < 0) return 6;
  bool later_is_denied = false;
  std::thread([&] { later_is_denied = denied(::socket(AF_INET, SOCK_STREAM, 0)); }).join();
  return later_is_denied ? 0 : 7;
}

}  // namespace

TEST_CASE("confine: no thread starts or traces anything or opens a way to a network; what is open goes on") {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(wrong_in_confinement());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
