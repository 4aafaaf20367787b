// SPDX-License-Identifier: Apache-2.0
// WorkingState: the state backend of a process, and what it needs.
#pragma once

#include <memory>
#include <string>

#include "base/file_store.h"
#include "launch/local_directory.h"
#include "launch/memory_plan.h"
#include "state/floor/table_memory.h"
#include "state/rocksdb/rocksdb_floor.h"
#include "state/state_backend.h"

namespace weir {

struct WorkingStateOptions {
  enum class Kind {
    kHeap,             ///< all in memory, whole checkpoints
    kHeapIncremental,  ///< all in memory, incremental checkpoints
    kRocksDb,          ///< in memory as long as it fits, incremental checkpoints
  };
  Kind kind = Kind::kRocksDb;
  std::string local_directory;  ///< empty: the system's folder for temporary files
};

/// Owns them in the order in which they may end.
///
/// Thread: any.
class WorkingState {
 public:
  /// `files` outlives this.
  WorkingState(FileStore& files, const WorkingStateOptions& options, const MemoryPlan& memory);

  StateBackend& backend() { return *backend_; }

 private:
  LocalDirectory local_;
  TableMemory tables_;
  RocksDbMemory rocksdb_;
  std::unique_ptr<StateBackend> backend_;
};

}  // namespace weir
