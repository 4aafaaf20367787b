// SPDX-License-Identifier: Apache-2.0
// RunLog: takes frozen changes in, in the order in which they were frozen: into the floor below the
// tables, where there is one, and into the runs of checkpoints.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"
#include "core/change_buffer.h"
#include "core/state_table.h"
#include "state/floor/state_floor.h"
#include "state/incremental/run_chain.h"
#include "state/incremental/spill_folder.h"
#include "state/snapshot/checkpoint_storage.h"
#include "state/snapshot/snapshot_format.h"
#include "state/snapshot/snapshot_writer.h"

namespace weir {

/// What was frozen of one state.
struct FrozenChangesOfState {
  StateDescriptor descriptor;
  std::unique_ptr<FrozenState> changed;
  std::unique_ptr<FrozenState> for_floor;  ///< only to go there, with the others; may be null
};
/// What was frozen at once.
using FrozenChangesOfStates = std::vector<FrozenChangesOfState>;

/// Writes the runs of one operator subtask.
///
/// Changes that could not be written, or whose checkpoint was given up before it was written, go
/// into the next run: runs follow each other without a gap. A run that was written belongs to the
/// chain, whatever becomes of its checkpoint.
///
/// Thread: any. One at a time takes in and writes, on behalf of all that were frozen before; only
/// that blocks, on files.
class RunLog {
 public:
  /// Counts what was frozen.
  using Ticket = std::uint64_t;
  enum class Purpose {
    kRun,           ///< a checkpoint; to the floor goes only what was erased
    kRunFromFloor,  ///< the same, but all goes there, and all there is goes into the run
    kSpill,         ///< to make room in memory; a part of what is to go to the floor
    kWhole,         ///< a savepoint: all goes to the floor, to be read from there
  };

  /// `head` names the operator subtask. `files` outlives the log.
  RunLog(FileStore& files, snapshot_format::Index head, MergeOptions options)
      : files_(files), head_(std::move(head)), chain_(head_.range(), options) {}

  /// Goes on from the runs of a restored checkpoint. Before the first `add`.
  void restore(const std::vector<StateRun>& runs) { chain_.restore(runs); }
  /// Names a state that is to go into the floor; in the order of adding they are numbered. Before
  /// the first `add`.
  void add_floor_state(const StateDescriptor& state) { floor_states_.push_back(state); }
  /// From now on takes changes of these states into `floor`. `spills`: where changes wait for their
  /// run that are more than `bytes_unspilled`.
  void use_floor(std::shared_ptr<StateFloor> floor, std::unique_ptr<SpillFolder> spills,
                 std::size_t bytes_unspilled);
  /// The next run is to hold all that is on the floor. Before the first `add`.
  void write_floor_first() { is_floor_due_ = true; }
  /// Whether that has not been written yet.
  bool is_floor_due() const { return is_floor_due_; }

  Ticket add(Purpose purpose, CheckpointId checkpoint, FrozenChangesOfStates changes);
  Ticket last_ticket() const;
  /// Up to which ticket everything is on the floor, if there was one then.
  Ticket arrived() const { return arrived_.load(std::memory_order_acquire); }

  /// Takes everything up to `ticket` into the floor.
  Status take_in(Ticket ticket);
  /// Writes everything up to `ticket` that is not written yet, and merges what is due. Returns the
  /// runs that together are the state at that moment.
  Result<std::vector<StateRun>> write(Ticket ticket, CheckpointWriter& writer,
                                      const std::string& name);
  /// What was on the floor at a ticket for kWhole. Once.
  Result<std::unique_ptr<StateFloor::Snapshot>> whole(Ticket ticket);

 private:
  struct Waiting {
    Ticket ticket;
    Purpose purpose;
    CheckpointId checkpoint;
    FrozenChangesOfStates changes;
  };
  // Encoded changes that are not in a run yet, in the order in which states appeared.
  using EncodedChanges = std::vector<std::pair<StateDescriptor, ChangeBuffer>>;
  struct Collected {
    Ticket ticket;
    EncodedChanges changes;
    std::optional<StateFile> spilled;                  // in place of the changes
    std::unique_ptr<StateFloor::Snapshot> floor = {};  // in place of all before
    bool is_empty() const { return changes.empty() && !spilled; }
  };
  struct Written {
    Ticket ticket;
    Result<std::vector<StateRun>> runs;
  };

  class Collector;
  // A run that is to be written.
  struct Due {
    Ticket ticket;
    CheckpointId checkpoint;
  };

  using ExpiredThrough = std::map<std::string, ProcessingTime>;

  // With collect_mutex_ held.
  std::optional<Waiting> next_waiting(Ticket ticket);
  Status collect(Waiting next);
  Status collect_up_to(Ticket ticket);
  Status collect_state(const Waiting& from, FrozenChangesOfState& state);
  Status keep(Ticket ticket, const StateDescriptor& state, ChangeBuffer changes);
  Status spill(Collected& collected);

  // With write_mutex_ held.
  Status write_collected(const Due& due, CheckpointWriter& writer, const std::string& name);
  Status write_run(std::deque<Collected>& part, bool has_floor, const Due& due,
                   CheckpointWriter& writer, const std::string& name);
  Status write_encoded(std::deque<Collected>& part, SnapshotWriter& run);
  Status write_spilled(std::deque<Collected>& part, bool has_floor, SnapshotWriter& run);
  void merge_due(CheckpointId checkpoint, CheckpointWriter& writer, const std::string& name);
  Status merge(const MergePlan& plan, CheckpointId checkpoint, CheckpointWriter& writer,
               const std::string& name);
  std::string next_name(const std::string& name);

  snapshot_format::Index head_for(CheckpointId checkpoint) const;

  FileStore& files_;
  const snapshot_format::Index head_;
  std::vector<StateDescriptor> floor_states_;  // complete before the first ticket

  mutable std::mutex queue_mutex_;  // guards these two; held for moments
  Ticket last_ticket_ = 0;
  std::deque<Waiting> waiting_;

  std::mutex write_mutex_;  // guards these; held while runs are written
  RunChain chain_;
  std::deque<Written> written_;  // what others wrote on behalf of a ticket that will still ask
  // Of states with a time-to-live, by name: what had expired at the last freeze.
  ExpiredThrough expired_through_;
  std::uint64_t files_written_ = 0;

  // Taken after write_mutex_, and alone by those who wait for the floor: runs are written without
  // it.
  std::mutex collect_mutex_;  // guards all below
  std::deque<Collected> collected_;
  std::vector<Due> due_;  // collected, in order
  ExpiredThrough expired_through_collected_;
  std::deque<std::pair<Ticket, std::unique_ptr<StateFloor::Snapshot>>> whole_;
  std::shared_ptr<StateFloor> floor_;
  std::unique_ptr<SpillFolder> spills_;  // thread-safe; stays once it is there
  std::size_t bytes_unspilled_ = 0;
  Status floor_failure_;  // nothing goes there any more
  Status failure_;        // changes were lost: nothing can be written any more

  std::atomic<bool> is_floor_due_{false};
  std::atomic<Ticket> arrived_{0};
};

}  // namespace weir
