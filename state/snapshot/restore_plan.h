// SPDX-License-Identifier: Apache-2.0
// RestorePlan: what would become of every stored state if a job were restored from it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"
#include "core/ids.h"
#include "core/state_table.h"
#include "state/snapshot/checkpoint_metadata.h"
#include "state/snapshot/schema_migration.h"

namespace weir {

/// What becomes of a state or of an operator with its states.
enum class RestoreOutcome {
  kMatched,       ///< restored as it is
  kMigrated,      ///< restored; values change with their schema
  kNew,           ///< not stored: begins empty
  kDropped,       ///< stored, but the job does not have it
  kIncompatible,  ///< cannot be restored
};
std::string_view to_string(RestoreOutcome outcome);

/// An operator of the job to be restored, as its graph says.
struct PlannedOperator {
  OperatorId id;
  std::string name;
  std::vector<StateDescriptor> states;
};

struct StatePlan {
  std::string name;
  RestoreOutcome outcome = RestoreOutcome::kMatched;
  std::uint64_t entries = 0;  ///< stored
  std::vector<SchemaChange> changes = {};
  std::string reason = {};  ///< of what is incompatible
};

struct OperatorPlan {
  OperatorId id;
  std::string name;
  /// New or dropped as a whole; else the worst of its states that can be restored or not.
  RestoreOutcome outcome = RestoreOutcome::kMatched;
  std::vector<StatePlan> states = {};
};

/// Operators without state on both sides are left out.
struct RestorePlan {
  std::vector<OperatorPlan> operators;

  /// How many states have that outcome; dropped ones count only if they have entries.
  std::size_t count(RestoreOutcome outcome) const;
};

/// Compares the job with what is stored. Reads the indices of the snapshots, no entries.
///
/// Errors: data loss, naming the file.
Result<RestorePlan> plan_restore(FileStore& files, const CheckpointMetadata& checkpoint,
                                 const std::vector<PlannedOperator>& job);

}  // namespace weir
