// SPDX-License-Identifier: Apache-2.0
// MemoryBudget: how many bytes the queues of a process may hold.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/check.h"

namespace weir {

/// Counts bytes against a limit.
///
/// Thread: any.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t limit_bytes) : limit_(limit_bytes) {}
  /// Whoever took has given back.
  ~MemoryBudget() { WEIR_CHECK_EQ(used_.load(), 0U); }
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  /// Takes all of `bytes` or, beyond the limit, nothing.
  bool try_take(std::size_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= limit_) return true;
    used_.fetch_sub(bytes);
    return false;
  }
  void give_back(std::size_t bytes) { used_.fetch_sub(bytes); }

  std::size_t used() const { return used_.load(); }
  std::size_t limit() const { return limit_; }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace weir
