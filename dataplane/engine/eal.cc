#include "dataplane/engine/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace sluice {
namespace {

std::uint64_t free_huge_page_mb() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  std::uint64_t value = 0, pages = 0, page_kb = 0;
  std::string rest;
  while (meminfo >> key >> value && std::getline(meminfo, rest)) {
    if (key == "HugePages_Free:") pages = value;
    if (key == "Hugepagesize:") page_kb = value;
  }
  return pages * page_kb / 1024;
}

/// The CPUs this process may run on, as EAL writes sets: "(0,1,5)".
std::string allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::string text;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) text += (text.empty() ? "(" : ",") + std::to_string(cpu);
  }
  return text + ")";
}

std::string lcores(const Options& options) {
  const std::string anywhere = allowed_cpus();
  std::string text = "0@" + anywhere;
  for (unsigned worker = 0; worker < options.workers; ++worker) {
    text += "," + std::to_string(worker + 1) + "@" +
            (options.cpus.empty() ? anywhere : std::to_string(options.cpus[worker]));
  }
  return text;
}

std::vector<std::string> arguments(const Options& options) {
  std::vector<std::string> args{"sluice-dataplane",
                                "--file-prefix=sluice",
                                "--lcores=" + lcores(options),
                                "--main-lcore=0",
                                "--log-level=warning",
                                "--log-level=lib.telemetry:error",  // it warns that an older socket is not made
                                "-m",
                                std::to_string(options.memory_mb)};
  // Huge pages in memory only: nothing stays in a hugetlbfs after kill -9. EAL refuses both flags at once.
  args.emplace_back(options.huge || free_huge_page_mb() >= options.memory_mb ? "--in-memory" : "--no-huge");
  bool pci = false;
  for (const auto& port : options.ports) {
    if (port.kind != PortKind::Pci) continue;
    args.emplace_back("-a");
    args.push_back(port.device);
    pci = true;
  }
  if (!pci) args.emplace_back("--no-pci");
  return args;
}

}  // namespace

Result<void, std::string> start_eal(const Options& options) {
  std::error_code error;
  std::filesystem::create_directories(options.run_dir, error);
  if (error) return std::unexpected(options.run_dir.string() + ": " + error.message());
  setenv("RUNTIME_DIRECTORY", options.run_dir.c_str(), 1);
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);  // AF_XDP pins its frames; without the right to raise it CAP_IPC_LOCK decides

  std::vector<std::string> args = arguments(options);
  std::vector<char*> argv;
  std::ranges::transform(args, std::back_inserter(argv), [](std::string& arg) { return arg.data(); });
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    return std::unexpected(std::string("DPDK does not start: ") + rte_strerror(rte_errno));
  }
  return {};
}

void share_telemetry(const Options& options) {
  const auto top = options.run_dir / "dpdk";
  for (const auto& path : {top, top / "sluice", top / "sluice" / "dpdk_telemetry.v2"}) {
    if (options.group) (void)!chown(path.c_str(), static_cast<uid_t>(-1), *options.group);
    chmod(path.c_str(), path.extension() == ".v2" ? 0660 : 0750);
  }
}

}  // namespace sluice
