// SPDX-License-Identifier: Apache-2.0
// MemoryPlan: what a process does with the memory it was given.
#pragma once

#include <cstdint>
#include <string>

namespace weir {

/// Bytes. Program text, stacks, what operators allocate themselves and what is being written for a
/// checkpoint take the rest.
struct MemoryPlan {
  std::uint64_t process = 0;
  std::uint64_t queues = 0;       ///< batches between subtasks
  std::uint64_t tables = 0;       ///< keyed state in memory, before entries are evicted
  std::uint64_t block_cache = 0;  ///< of RocksDB, once something was evicted
};

/// With less a process does little else than write and read state.
constexpr std::uint64_t kProcessMemoryMin = std::uint64_t{1} << 20;

/// Divides the memory of a process.
MemoryPlan plan_memory(std::uint64_t process_bytes);

/// What a process may use that was not told: three quarters of the limit of its cgroup, or of the
/// machine's memory. Reads `proc` and `cgroups`, the folders where the system shows them.
std::uint64_t default_process_memory(const std::string& proc = "/proc",
                                     const std::string& cgroups = "/sys/fs/cgroup");

}  // namespace weir
