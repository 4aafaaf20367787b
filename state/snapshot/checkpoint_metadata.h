// SPDX-License-Identifier: Apache-2.0
// What a completed checkpoint consists of; stored as its `_metadata` file.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "base/time.h"
#include "core/control_messages.h"
#include "core/ids.h"
#include "core/state_table.h"
#include "core/stream_element.h"

namespace weir {

/// The snapshots of all subtasks of one operator.
struct OperatorCheckpoint {
  OperatorId id;
  std::string name;
  MaxParallelism max_parallelism{128};
  std::vector<StateDescriptor> states;
  std::vector<StateHandle> subtasks;  ///< by subtask index; the size is the parallelism
  friend bool operator==(const OperatorCheckpoint&, const OperatorCheckpoint&) = default;
};

/// One completed checkpoint.
struct CheckpointMetadata {
  std::string job_name;
  CheckpointId id;
  CheckpointKind kind = CheckpointKind::kCheckpoint;
  AttemptNumber attempt;
  ProcessingTime triggered_at;
  ProcessingTime completed_at;
  std::vector<OperatorCheckpoint> operators;
  friend bool operator==(const CheckpointMetadata&, const CheckpointMetadata&) = default;
};

/// Encodes with magic, format version and a checksum over everything.
std::string encode_checkpoint_metadata(const CheckpointMetadata& metadata);
/// Errors: data loss (says what is wrong and at which offset); unimplemented for a newer version.
Result<CheckpointMetadata> decode_checkpoint_metadata(ByteView bytes);

/// The binary form of a descriptor, as metadata and snapshot files hold it.
void put_state_descriptor(ByteWriter& out, const StateDescriptor& descriptor);
/// Errors: throws DecodeError.
StateDescriptor get_state_descriptor(ByteReader& in);

}  // namespace weir
