#include "dataplane/engine/privileges.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace sluice {
namespace {

std::atomic<unsigned> threads_done{0};
std::atomic<bool> failed{false};

/// Raw system calls only: it runs as a signal handler, on whatever the thread was doing.
void drop_on_this_thread(int) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  bool ok = syscall(SYS_capget, &header, data) == 0;
  constexpr std::uint32_t keep = ~(std::uint32_t{1} << CAP_SYS_ADMIN);
  static_assert(CAP_SYS_ADMIN < 32);
  data[0].effective &= keep;
  data[0].permitted &= keep;
  data[0].inheritable &= keep;
  (void)prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0);  // may lack CAP_SETPCAP; the permitted set decides
  ok = ok && syscall(SYS_capset, &header, data) == 0;
  if (!ok) failed.store(true);
  threads_done.fetch_add(1);
}

}  // namespace

Result<void, std::string> drop_sys_admin() {
  const int signal_number = SIGRTMIN + 3;
  struct sigaction action{};
  action.sa_handler = drop_on_this_thread;
  action.sa_flags = SA_RESTART;
  sigaction(signal_number, &action, nullptr);

  unsigned asked = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error)) {
    const int thread = static_cast<int>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
    if (syscall(SYS_tgkill, getpid(), thread, signal_number) == 0) ++asked;
  }
  for (unsigned wait = 0; threads_done.load() < asked && wait < 1000; ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (asked == 0 || failed.load() || threads_done.load() < asked)
    return std::unexpected("a thread keeps CAP_SYS_ADMIN");
  return {};
}

}  // namespace sluice
