// SPDX-License-Identifier: Apache-2.0
// HeapStateBackend: state in memory, each checkpoint a full snapshot.
#pragma once

#include <memory>

#include "base/file_store.h"
#include "state/state_backend.h"

namespace weir {

/// Holds state in the operators' own tables; stores all of it in every checkpoint, asynchronously.
///
/// Before an entry is fed to a table, every block that this subtask reads is verified, and every
/// snapshot as a whole by at least one subtask.
///
/// Thread: any. Opening and adding states block on files when there is something to restore.
class HeapStateBackend final : public StateBackend {
 public:
  /// `files` holds the snapshots that are restored; it outlives the backend.
  explicit HeapStateBackend(FileStore& files) : files_(files) {}

  Result<std::unique_ptr<OperatorStateBackend>> open(const OperatorStateSetup& setup) override;

 private:
  FileStore& files_;
};

}  // namespace weir
