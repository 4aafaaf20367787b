// SPDX-License-Identifier: Apache-2.0
// Shares of the whole; limits of cgroups, version 2 and 1.
#include "launch/memory_plan.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string_view>

namespace weir {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// The number that a file begins with; unlimited if there is none ("max").
std::uint64_t read_limit(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t limit = 0;
  return file >> limit ? limit : kUnlimited;
}

std::uint64_t machine_memory(const std::string& proc) {
  std::ifstream file(proc + "/meminfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t kilobytes = 0;
    if (words >> name >> kilobytes && name == "MemTotal:") return kilobytes * 1024;
  }
  return kUnlimited;
}

// The least limit of the process's cgroup and those above it.
std::uint64_t cgroup_limit(const std::string& proc, const std::string& cgroups) {
  std::uint64_t limit = read_limit(cgroups + "/memory/memory.limit_in_bytes");
  std::ifstream file(proc + "/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    constexpr std::string_view kVersion2 = "0::";
    if (!line.starts_with(kVersion2)) continue;
    std::string path = line.substr(kVersion2.size());
    for (;;) {
      limit = std::min(limit, read_limit(cgroups + path + "/memory.max"));
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos) break;
      path.resize(slash);
    }
  }
  return limit;
}

}  // namespace

MemoryPlan plan_memory(std::uint64_t process_bytes) {
  // Less than operators emit at once would fail the job.
  constexpr std::uint64_t kQueuesMin = std::uint64_t{1} << 20;
  return {.process = process_bytes,
          .queues = std::max(process_bytes / 8, kQueuesMin),
          .tables = process_bytes / 16 * 6,
          .block_cache = process_bytes / 10};
}

std::uint64_t default_process_memory(const std::string& proc, const std::string& cgroups) {
  const std::uint64_t limit = std::min(machine_memory(proc), cgroup_limit(proc, cgroups));
  constexpr std::uint64_t kIfUnknown = std::uint64_t{1} << 30;
  return limit == kUnlimited ? kIfUnknown : limit / 4 * 3;
}

}  // namespace weir
