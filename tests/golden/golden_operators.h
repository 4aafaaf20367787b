// SPDX-License-Identifier: Apache-2.0
// Operators with state of every kind, whose snapshots stay in the tree and must restore for ever.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"
#include "core/key_group.h"
#include "core/state_table.h"
#include "state/snapshot/checkpoint_metadata.h"
#include "state/state_backend.h"

namespace weir::golden {

/// One subtask of an operator that has one kind of state.
class GoldenOperator {
 public:
  virtual ~GoldenOperator() = default;
  /// Announces the states, which restores them.
  virtual void open(StateRegistry& registry) = 0;
  /// Fills the subtask of that index with what it holds in the golden files.
  virtual void fill(SubtaskIndex subtask, HashRange range) = 0;
  /// What it holds, a line per entry, in an order of its own.
  virtual std::vector<std::string> content() = 0;
};

struct GoldenKind {
  OperatorId id;  ///< named like the kind
  Parallelism parallelism{1};
  std::function<std::unique_ptr<GoldenOperator>(HashRange range)> make;
  int since = 1;  ///< the first version of the golden files that has it
};

/// The newest version of the golden files: tests/golden/v<version>.
inline constexpr int kGoldenVersion = 3;

/// All of a version. Once released, one may be added to a new version, but none changed.
std::vector<GoldenKind> golden_kinds(int version = kGoldenVersion);

inline constexpr MaxParallelism kGoldenMaxParallelism{128};

/// Writes the golden files below `directory`, which they fill: `chk-1` with all snapshots inside
/// its metadata, `chk-2` with a file for each.
Status write_golden_files(FileStore& files, const std::string& directory,
                          int version = kGoldenVersion);

/// What a subtask of `kind` holds after a restore at `parallelism`.
///
/// Errors: whatever the restore says.
Result<std::vector<std::string>> restored_content(StateBackend& backend,
                                                  const CheckpointMetadata& metadata,
                                                  const GoldenKind& kind, SubtaskIndex subtask,
                                                  Parallelism parallelism);

}  // namespace weir::golden
