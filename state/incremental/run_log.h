// SPDX-License-Identifier: Apache-2.0
// RunLog: turns frozen changes into runs, in the order in which they were frozen, and merges runs.
#pragma once

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
#include "state/incremental/run_chain.h"
#include "state/snapshot/checkpoint_storage.h"
#include "state/snapshot/snapshot_format.h"

namespace weir {

/// The changes of one checkpoint, by state.
using FrozenChangesOfStates = std::vector<std::pair<StateDescriptor, std::unique_ptr<FrozenState>>>;

/// Writes the runs of one operator subtask.
///
/// Changes that could not be written, or whose checkpoint was given up before it was written, go
/// into the next run: runs follow each other without a gap. A run that was written belongs to the
/// chain, whatever becomes of its checkpoint.
///
/// Thread: any. One at a time writes, on behalf of all that were frozen before.
class RunLog {
 public:
  using Ticket = std::uint64_t;

  /// `head` names the operator subtask. `files` outlives the log.
  RunLog(FileStore& files, snapshot_format::Index head, MergeOptions options)
      : files_(files), head_(std::move(head)), chain_(head_.range(), options) {}

  /// Goes on from the runs of a restored checkpoint. Before the first `add`.
  void restore(const std::vector<StateRun>& runs) { chain_.restore(runs); }

  /// Notes what was frozen for `checkpoint`.
  Ticket add(CheckpointId checkpoint, FrozenChangesOfStates changes);
  /// Writes everything up to `ticket` that is not written yet, and merges what is due. Returns the
  /// runs that together are the state at that moment. Blocks on files.
  Result<std::vector<StateRun>> write(Ticket ticket, CheckpointWriter& writer,
                                      const std::string& name);

 private:
  struct Waiting {
    Ticket ticket;
    CheckpointId checkpoint;
    FrozenChangesOfStates changes;
  };
  struct Written {
    Ticket ticket;
    Result<std::vector<StateRun>> runs;
  };

  Status collect(FrozenChangesOfStates changes);
  Status write_changes(CheckpointId checkpoint, CheckpointWriter& writer, const std::string& name);
  Status merge(const MergePlan& plan, CheckpointId checkpoint, CheckpointWriter& writer,
               const std::string& name);
  std::string next_name(const std::string& name);
  snapshot_format::Index head_for(CheckpointId checkpoint) const;

  FileStore& files_;
  const snapshot_format::Index head_;

  std::mutex mutex_;  // guards all below; held while files are written
  RunChain chain_;
  Ticket last_ticket_ = 0;
  std::deque<Waiting> waiting_;
  std::deque<Written> written_;  // what others wrote on behalf of a ticket that will still ask
  // Encoded changes that are not in a run yet, in the order in which states appeared.
  std::vector<std::pair<StateDescriptor, ChangeBuffer>> unwritten_;
  // Of states with a time-to-live, by name: what had expired at the last freeze.
  std::map<std::string, ProcessingTime> expired_through_;
  std::uint64_t files_written_ = 0;
};

}  // namespace weir
