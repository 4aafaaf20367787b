// SPDX-License-Identifier: Apache-2.0
// What people see of checkpoints: how far one is, what it cost, and how many there were.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "base/time.h"
#include "core/ids.h"
#include "core/stream_element.h"

namespace weir {

/// How far a checkpoint is.
enum class CheckpointPhase {
  kPreparing,      ///< its directory is being made; no barrier has started
  kAcknowledging,  ///< barriers are on their way
  kStoring,        ///< every subtask acknowledged; the metadata is being stored
  kReadingBack,    ///< it is not known whether the metadata was stored
  kCompleted,
  kAborted,
};

/// What people see of one checkpoint.
struct CheckpointStatistics {
  CheckpointId id;
  CheckpointKind kind = CheckpointKind::kCheckpoint;
  CheckpointPhase phase = CheckpointPhase::kPreparing;
  ProcessingTime triggered_at;
  Duration duration{0};  ///< from trigger to durable or aborted
  std::uint64_t bytes = 0;
  std::uint32_t acknowledged = 0;
  std::uint32_t subtasks = 0;
  std::int64_t alignment_nanos_max = 0;
  std::int64_t freeze_nanos_max = 0;
  std::int64_t write_nanos_max = 0;
  Status failure;  ///< why it was aborted
};

struct CheckpointCounters {
  std::uint64_t completed = 0;
  std::uint64_t aborted = 0;
  std::uint64_t late_acknowledges = 0;       ///< of an aborted or subsumed checkpoint; discarded
  std::uint64_t duplicate_acknowledges = 0;  ///< repeated, or of a checkpoint that is retained
  std::uint64_t unknown_acknowledges = 0;    ///< of a checkpoint or subtask that never was
  std::uint64_t stale_messages = 0;          ///< other messages about a past attempt or checkpoint
};

/// How many checkpoints the history remembers.
inline constexpr std::size_t kCheckpointHistory = 10;

}  // namespace weir
