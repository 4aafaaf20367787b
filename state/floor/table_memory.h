// SPDX-License-Identifier: Apache-2.0
// TableMemory: the memory that the tables of a process may fill before they evict.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir {

/// Divides bytes evenly among those who hold a share.
///
/// Thread: any.
class TableMemory {
 public:
  explicit TableMemory(std::uint64_t bytes) : bytes_(bytes) {}

  /// Held by the tables of one operator subtask, from the start to the end of an attempt.
  class Share {
   public:
    explicit Share(TableMemory& memory) : memory_(memory) { ++memory_.holders_; }
    ~Share() { --memory_.holders_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    /// Bytes; less when others come.
    std::uint64_t bytes() const { return memory_.bytes_ / memory_.holders_.load(); }

   private:
    TableMemory& memory_;
  };

 private:
  const std::uint64_t bytes_;
  std::atomic<std::uint32_t> holders_{0};
};

}  // namespace weir
