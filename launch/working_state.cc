// SPDX-License-Identifier: Apache-2.0
// Which backend, and where its databases lie.
#include "launch/working_state.h"

#include <utility>

#include "state/heap/heap_state_backend.h"
#include "state/incremental/incremental_state_backend.h"

namespace weir {

WorkingState::WorkingState(FileStore& files, const WorkingStateOptions& options,
                           const MemoryPlan& memory)
    : local_(files, options.local_directory), tables_(memory.tables), rocksdb_(memory.block_cache) {
  using Kind = WorkingStateOptions::Kind;
  switch (options.kind) {
    case Kind::kHeap: backend_ = std::make_unique<HeapStateBackend>(files); break;
    case Kind::kHeapIncremental: backend_ = std::make_unique<IncrementalStateBackend>(files); break;
    case Kind::kRocksDb: {
      const auto open = [this]() -> Result<std::shared_ptr<StateFloor>> {
        WEIR_ASSIGN_OR_RETURN(const std::string path, local_.next_path());
        WEIR_ASSIGN_OR_RETURN(auto floor, RocksDbFloor::open(path, rocksdb_));
        return std::shared_ptr<StateFloor>(std::move(floor));
      };
      backend_ =
          std::make_unique<IncrementalStateBackend>(files, MergeOptions{},
                                                    FloorOptions{.open = open,
                                                                 .memory = tables_,
                                                                 .local_files = files,
                                                                 .local_directory = local_.path()});
    }
  }
}

}  // namespace weir
