// SPDX-License-Identifier: Apache-2.0
// StorageTrouble: what happens to the disk of a simulation beyond single failing operations.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/status.h"
#include "core/ids.h"
#include "testing/memory_file_store.h"
#include "testing/simulation/agenda.h"
#include "testing/simulation/simulated_file_store.h"
#include "testing/simulation/simulated_world.h"
#include "testing/storage_damage.h"

namespace weir::simulation {

/// Operations that happen after they were reported as failed, a disk that is full for a while, and
/// files of checkpoints that are damaged until somebody is told and mends them.
///
/// Thread: the world's.
class StorageTrouble {
 public:
  /// All outlive it.
  StorageTrouble(SimulatedWorld& world, MemoryFileStore& disk, Agenda& agenda, FileFaults& faults)
      : world_(world), disk_(disk), agenda_(agenda), faults_(faults), rng_(world.rng().fork()) {}

  // --- operations that happen late ---
  void happens_late(std::function<Status()> operation);
  /// Something else is about to be done: some of what is late may happen just before it.
  void at_change();
  /// Power is lost: what has not happened never does.
  void forget_late() { late_.clear(); }

  // --- room ---
  /// For checkpoints, or for everything.
  void fill_disk(Nanos duration);

  // --- damage ---
  enum class Moment {
    kAtRest,   ///< nothing runs: whatever starts next must notice
    kRunning,  ///< the job need not notice before it restores the file
  };
  /// Damages a file of the latest checkpoint, if there is one and no other damage. Whether it did.
  bool damage_latest_checkpoint(Moment moment);
  bool is_damaged() const { return damage_.has_value(); }
  /// Mends the damage if `why` is the refusal of it, which names the file.
  bool mend_if_refused(const Status& why);
  /// An attempt begins: it may read what is there now.
  void attempt_begins() { attempt_began_ = world_.now(); }
  /// Says what is wrong with an attempt that runs, restored from `checkpoint`.
  std::optional<std::string> find_unnoticed(std::optional<CheckpointId> checkpoint);

  /// The faults are over: there is room, and what was late has happened. Damage stays.
  void end();

 private:
  void run_late();

  SimulatedWorld& world_;
  MemoryFileStore& disk_;
  Agenda& agenda_;
  FileFaults& faults_;
  Rng rng_;
  std::vector<std::function<Status()>> late_;
  std::uint64_t fillings_ = 0;
  std::optional<Damage> damage_;
  Moment moment_ = Moment::kAtRest;
  Nanos damaged_at_ = 0;
  Nanos attempt_began_ = 0;
};

}  // namespace weir::simulation
