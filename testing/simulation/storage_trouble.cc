// SPDX-License-Identifier: Apache-2.0
// Choosing what to damage, and when what is late happens.
#include "testing/simulation/storage_trouble.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "testing/simulation/checkpoint_inspector.h"
#include "testing/simulation/simulated_cluster.h"

namespace weir::simulation {
namespace {

constexpr Nanos kLateMax = 20 * kSecond;

bool is_metadata(const std::string& path) { return path.ends_with("/_metadata"); }

}  // namespace

void StorageTrouble::happens_late(std::function<Status()> operation) {
  late_.push_back(std::move(operation));
  agenda_.after(world_.random_skewed_nanos(kMillisecond, kLateMax), [this] { run_late(); });
}

void StorageTrouble::at_change() {
  if (!late_.empty() && rng_.chance(0.2)) run_late();
}

// Not in the order in which they were asked for.
void StorageTrouble::run_late() {
  if (late_.empty()) return;
  const auto chosen = late_.begin() + static_cast<std::ptrdiff_t>(rng_.uniform(late_.size()));
  const std::function<Status()> operation = std::move(*chosen);
  late_.erase(chosen);
  const Status status = operation();
  world_.trace().note(world_.now(), "happens late", {static_cast<std::uint64_t>(status.code())},
                      [&status] { return status.to_string(); });
}

void StorageTrouble::fill_disk(Nanos duration) {
  faults_.full_folder = rng_.chance(0.6) ? kCheckpointRoot : "/";
  agenda_.after(duration, [this, filling = ++fillings_] {
    if (filling == fillings_) faults_.full_folder.reset();
  });
}

void StorageTrouble::end() {
  while (!late_.empty()) run_late();
  faults_.full_folder.reset();
}

bool StorageTrouble::damage_latest_checkpoint(Moment moment) {
  if (damage_) return false;
  const std::vector<std::vector<std::string>> checkpoints = checkpoint_files(disk_);
  if (checkpoints.empty()) return false;
  const std::vector<std::string>& files = checkpoints.back();
  const std::string& victim = files[rng_.uniform(files.size())];
  // By the metadata alone it is known from outside what is durable.
  if (moment == Moment::kRunning && is_metadata(victim)) return false;
  DamageKind kind = kDamageKinds[rng_.uniform(std::size(kDamageKinds))];
  // Without its metadata a checkpoint is none. Files of a running job may go before it is mended.
  const bool needs_its_place = kind == DamageKind::kSwap || kind == DamageKind::kDeletion;
  if (needs_its_place && (is_metadata(victim) || moment == Moment::kRunning)) {
    kind = DamageKind::kBitFlip;
  }
  std::vector<std::string> others;
  for (const auto& checkpoint : checkpoints) {
    for (const std::string& path : checkpoint) {
      const bool is_stale = !std::binary_search(files.begin(), files.end(), path);
      const bool fits = kind == DamageKind::kStaleCopy
                            ? is_stale && is_metadata(path) == is_metadata(victim)
                            : path != victim && !is_metadata(path);
      if (fits) others.push_back(path);
    }
  }
  const bool needs_other = kind == DamageKind::kSwap || kind == DamageKind::kStaleCopy;
  if (needs_other && others.empty()) kind = DamageKind::kTruncation;
  const std::string other = others.empty() ? victim : others[rng_.uniform(others.size())];
  damage_ = damage_file(disk_, kind, victim, other, rng_);
  if (!damage_) return false;
  moment_ = moment;
  damaged_at_ = world_.now();
  world_.trace().note(world_.now(), "damage", {static_cast<std::uint64_t>(kind)},
                      [&] { return fmt::format("{} of {}", to_string(kind), victim); });
  return true;
}

bool StorageTrouble::mend_if_refused(const Status& why) {
  if (!damage_ || why.code() != StatusCode::kDataLoss || !damage_->is_named_in(why.message())) {
    return false;
  }
  // What was deleted meanwhile, because no checkpoint needs it any more, stays away.
  std::erase_if(damage_->before, [this](const auto& each) {
    return moment_ == Moment::kRunning && !disk_.stat(each.first).is_ok();
  });
  undo(disk_, *damage_);
  damage_.reset();
  return true;
}

std::optional<std::string> StorageTrouble::find_unnoticed(std::optional<CheckpointId> checkpoint) {
  if (!damage_ || !checkpoint || damaged_at_ >= attempt_began_) return std::nullopt;
  for (const std::string& path : checkpoint_files(disk_, *checkpoint)) {
    if (damage_->before.contains(path)) {
      return fmt::format("I15: the job runs although checkpoint {} is damaged: {} of {}",
                         checkpoint->value(), to_string(damage_->kind), path);
    }
  }
  return std::nullopt;
}

}  // namespace weir::simulation
