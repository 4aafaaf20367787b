// SPDX-License-Identifier: Apache-2.0
// Spreads a job over the TaskManagers that have the largest share of their slots free.
#include "jobmanager/scheduler/slot_pool.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace weir {
namespace {

bool is_free(const std::optional<JobId>& holder) { return !holder.has_value(); }

}  // namespace

std::uint32_t SlotPool::Offer::num_free() const {
  if (is_suspected) return 0;
  return static_cast<std::uint32_t>(std::ranges::count_if(holders, is_free));
}

void SlotPool::add(TaskManagerId task_manager, std::uint32_t slots) {
  const auto [offer, is_new] = offers_.try_emplace(task_manager);
  if (is_new) offer->second.holders.resize(slots);
}

void SlotPool::remove(TaskManagerId task_manager) { offers_.erase(task_manager); }

void SlotPool::set_suspected(TaskManagerId task_manager, bool is_suspected) {
  const auto offer = offers_.find(task_manager);
  if (offer != offers_.end()) offer->second.is_suspected = is_suspected;
}

std::optional<std::vector<SlotId>> SlotPool::allocate(JobId job, std::uint32_t count) {
  if (num_free() < count) return std::nullopt;
  std::vector<SlotId> slots;
  while (slots.size() < count) {
    // The largest free share wins; the lowest id among equals. Compared crosswise, without
    // division.
    Offer* best = nullptr;
    TaskManagerId best_id;
    for (auto& [id, offer] : offers_) {
      if (offer.num_free() == 0) continue;
      const std::size_t free = offer.num_free();
      if (best != nullptr &&
          free * best->holders.size() <= best->num_free() * offer.holders.size()) {
        continue;
      }
      best = &offer;
      best_id = id;
    }
    WEIR_CHECK(best != nullptr);
    const auto slot = std::ranges::find_if(best->holders, is_free);
    *slot = job;
    slots.push_back({best_id, static_cast<std::uint32_t>(slot - best->holders.begin())});
  }
  return slots;
}

void SlotPool::release(JobId job) {
  for (auto& [id, offer] : offers_) {
    for (std::optional<JobId>& holder : offer.holders) {
      if (holder == job) holder.reset();
    }
  }
}

std::uint32_t SlotPool::num_slots() const {
  return std::accumulate(offers_.begin(), offers_.end(), 0U,
                         [](std::uint32_t sum, const auto& each) {
                           return sum + static_cast<std::uint32_t>(each.second.holders.size());
                         });
}

std::uint32_t SlotPool::num_free() const {
  return std::accumulate(
      offers_.begin(), offers_.end(), 0U,
      [](std::uint32_t sum, const auto& each) { return sum + each.second.num_free(); });
}

}  // namespace weir
