// SPDX-License-Identifier: Apache-2.0
// What travels through a channel: batches, and between them watermarks, barriers and ends.
#pragma once

#include <string>
#include <variant>

#include "base/time.h"
#include "core/batch.h"
#include "core/ids.h"

namespace weir {

/// Promise that no record with this event time or an earlier one follows on this channel.
struct Watermark {
  EventTime time;
  friend bool operator==(const Watermark&, const Watermark&) = default;
};

/// Whether a channel takes part in the minimum that makes a watermark.
/// Finished is told by `EndOfInput`, not by a status of its own.
enum class WatermarkStatus { kActive, kIdle };

/// Why a checkpoint is taken, as the subtasks need to know it.
enum class CheckpointKind {
  kCheckpoint,     ///< by interval or on demand; recovery may use it
  kFinal,          ///< after all subtasks ended; the job finishes once it is committed
  kSavepoint,      ///< the user's: whole, in the user's directory, without side effects
  kSavepointStop,  ///< a savepoint after which nothing is processed; the job ends once it is
                   ///< committed
};
/// Whether the snapshot belongs to the user: it is written whole and shares no file.
constexpr bool is_savepoint(CheckpointKind kind) {
  return kind == CheckpointKind::kSavepoint || kind == CheckpointKind::kSavepointStop;
}

/// Separates the records of two checkpoints.
struct CheckpointBarrier {
  CheckpointId id;
  CheckpointKind kind = CheckpointKind::kCheckpoint;
  /// When the coordinator triggered it, by its clock.
  ProcessingTime triggered_at = {};
  /// Where a savepoint goes; empty for what goes below the checkpoint directory.
  std::string savepoint_directory = {};
  friend bool operator==(const CheckpointBarrier&, const CheckpointBarrier&) = default;
};

/// No record, watermark or status follows on this channel; barriers still may.
struct EndOfInput {
  friend bool operator==(const EndOfInput&, const EndOfInput&) = default;
};

/// One element of a channel.
using StreamElement =
    std::variant<BatchPtr, Watermark, WatermarkStatus, CheckpointBarrier, EndOfInput>;

}  // namespace weir
