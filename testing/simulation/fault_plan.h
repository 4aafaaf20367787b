// SPDX-License-Identifier: Apache-2.0
// FaultPlan: what goes wrong in one simulation, as plain data made from the seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "state/incremental/run_chain.h"
#include "state/snapshot/checkpoint_storage.h"
#include "testing/simulation/job_spec.h"
#include "testing/simulation/simulated_file_store.h"
#include "testing/simulation/simulated_task_scheduler.h"
#include "testing/simulation/simulated_transport.h"

namespace weir::simulation {

/// What goes wrong, and what a person does meanwhile.
enum class FaultKind {
  kTaskManagerCrash,
  kJobManagerCrash,
  kKillAll,            ///< every process ends; files stay
  kPowerLoss,          ///< every process ends, and what was not synced is lost
  kCrashAtFileChange,  ///< the process that makes one of the next changes to files ends around it
  kPowerLossAtFileChange,
  kPause,        ///< one process stands still, longer than heartbeats may be late, or shorter
  kPartition,    ///< messages between JobManager and one TaskManager, in one or both directions
  kUserFailure,  ///< a user function throws at one of the next records
  kDamagedCheckpoint,   ///< all end; a file of the latest checkpoint is damaged: it must be refused
  kClockJump,           ///< the wall clock of one process jumps, forth or back
  kStopWithCheckpoint,  ///< a person stops the job with a checkpoint, and starts it again
  kSavepoint,           ///< a person takes a savepoint
  kStopWithSavepoint,   ///< a person stops the job with a savepoint, and starts it from there, at
                        ///< another parallelism and max parallelism
  kCancel,              ///< a person cancels the job, and starts it again
  kFullDisk,            ///< there is no room for a while, for checkpoints or for anything
  kRottenFile,          ///< a file of the latest checkpoint is damaged while the job runs
  kStopWithDrain,       ///< a person stops the job with a savepoint and lets its sources end first
};

struct PlannedFault {
  Nanos at = 0;
  FaultKind kind = FaultKind::kTaskManagerCrash;
  /// How long (pause, partition), or which record or file change from now on.
  std::int64_t extent = 0;
};

/// Which faults one seed injects, and how often.
struct FaultPlan {
  NetworkFaults network;
  FileFaults files;
  SteppingFaults stepping;
  Nanos blocking_delay_max = 5 * kMillisecond;
  /// How long a crashed process stays away at most.
  Nanos restart_delay_max = kSecond;
  /// When runs are merged, where checkpoints are incremental.
  std::optional<MergeOptions> incremental;
  /// Bytes of tables before they evict, where they have a floor.
  std::optional<std::uint64_t> table_bytes;
  /// State that is smaller stands in the metadata.
  std::size_t inline_bytes = kInlineStateBytes;
  /// How often a TaskManager crashes just after the savepoint that a job stops with is there.
  double crash_after_stop = 0;
  std::vector<PlannedFault> faults;  ///< in order of time
  /// Nothing goes wrong after this.
  Nanos ends_at = 0;
};

/// Draws which kinds of faults there are, how often and when. Each kind is there or not with equal
/// chances, so that some seeds have few kinds and go far with them.
FaultPlan make_fault_plan(std::uint64_t seed, const JobSpec& job);
/// Nothing goes wrong; only orders and delays differ.
FaultPlan make_calm_plan();

std::string describe(const FaultPlan& plan);
std::string_view name_of(FaultKind kind);

}  // namespace weir::simulation
