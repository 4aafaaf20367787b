// SPDX-License-Identifier: Apache-2.0
// IncrementalStateBackend: tables in memory whose checkpoints store what changed.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/file_store.h"
#include "state/floor/write_back.h"
#include "state/incremental/run_chain.h"
#include "state/state_backend.h"

namespace weir {

/// Stores in each checkpoint a run of the keyed state that changed since the one before, and refers
/// to the runs of earlier checkpoints for the rest. Runs are snapshot files like any other, so such
/// a checkpoint can be restored by every backend, at any parallelism.
///
/// States that cannot tell what changed, and operator state, are stored as a whole each time.
///
/// With a floor, values, lists and maps need not fit into memory: see WriteBack.
///
/// Thread: any.
class IncrementalStateBackend final : public StateBackend {
 public:
  /// `files` outlives the backend and what it opened; so does what `floor` refers to. Without a
  /// floor all state must fit into memory.
  explicit IncrementalStateBackend(FileStore& files, MergeOptions merges = {},
                                   std::optional<FloorOptions> floor = std::nullopt)
      : files_(files), merges_(merges), floor_(std::move(floor)) {}
  Result<std::unique_ptr<OperatorStateBackend>> open(const OperatorStateSetup& setup) override;

 private:
  FileStore& files_;
  const MergeOptions merges_;
  const std::optional<FloorOptions> floor_;
};

}  // namespace weir
