// SPDX-License-Identifier: Apache-2.0
// SlotPool: which slots the registered TaskManagers offer, and which job holds which.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/ids.h"

namespace weir {

/// One slot of one TaskManager.
struct SlotId {
  TaskManagerId task_manager;
  std::uint32_t slot = 0;
  friend auto operator<=>(const SlotId&, const SlotId&) = default;
};

/// Hands out slots, all that a job needs or none.
///
/// Thread: one.
class SlotPool {
 public:
  /// Offers the slots of a TaskManager. One that is known already changes nothing.
  void add(TaskManagerId task_manager, std::uint32_t slots);
  /// Takes them back; whoever holds one of them has lost it.
  void remove(TaskManagerId task_manager);
  /// While suspected, a TaskManager's free slots are not handed out (B34).
  void set_suspected(TaskManagerId task_manager, bool is_suspected);

  /// Returns `count` free slots, spread over the TaskManagers as evenly as they allow, or none.
  /// Requires: the job holds no slots.
  std::optional<std::vector<SlotId>> allocate(JobId job, std::uint32_t count);
  /// Gives back what the job holds; nothing is ok.
  void release(JobId job);

  std::uint32_t num_slots() const;
  /// Those that allocate() could hand out now.
  std::uint32_t num_free() const;

 private:
  struct Offer {
    std::vector<std::optional<JobId>> holders;  // by slot
    bool is_suspected = false;
    std::uint32_t num_free() const;
  };

  std::map<TaskManagerId, Offer> offers_;
};

}  // namespace weir
