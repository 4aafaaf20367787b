// SPDX-License-Identifier: Apache-2.0
// Finds checkpoints, operators and states by what the user calls them.
#pragma once

#include <string>

#include "base/file_store.h"
#include "base/status.h"
#include "state/snapshot/checkpoint_metadata.h"

namespace weir::cli {

/// Reads the metadata of a checkpoint or savepoint; `path` is its directory or `_metadata` file.
///
/// Errors: not found, if there is nothing or no checkpoint; data loss; unimplemented.
Result<CheckpointMetadata> open_checkpoint(FileStore& files, const std::string& path);

/// Finds by id or, if only one operator is called so, by name.
///
/// Errors: not found; lists the ids there are.
Result<const OperatorCheckpoint*> find_operator(const CheckpointMetadata& metadata,
                                                const std::string& wanted);
/// Errors: not found; lists the states there are.
Result<const StateDescriptor*> find_state(const OperatorCheckpoint& op, const std::string& wanted);

}  // namespace weir::cli
