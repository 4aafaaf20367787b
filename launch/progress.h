// SPDX-License-Identifier: Apache-2.0
// What a person sees of a running job: a block that is redrawn, or a plain line per interval.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/ids.h"

namespace weir {

/// One operator, summed over its subtasks.
struct OperatorProgress {
  std::string name = {};
  bool is_source = false;
  bool is_sink = false;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t late_records = 0;
  std::uint64_t bad_records = 0;
  std::uint64_t state_entries = 0;
  std::uint64_t state_loads = 0;
};

/// One job at one moment.
struct JobProgress {
  std::string name;
  std::string state;
  Duration uptime{0};
  std::uint64_t checkpoints_completed = 0;
  std::uint64_t checkpoints_failed = 0;
  CheckpointId last_checkpoint;
  Duration last_checkpoint_age{0};
  Duration last_checkpoint_duration{0};
  std::uint64_t last_checkpoint_bytes = 0;
  std::uint64_t restarts = 0;
  EventTime watermark = EventTime::none();
  std::string waiting_for;
  std::string last_failure;
  std::vector<OperatorProgress> operators;
};

/// Turns snapshots of a job into text. Remembers the last one, for rates.
///
/// Thread: one.
class ProgressText {
 public:
  /// A block of lines; `now` is monotonic.
  std::string live(const JobProgress& job, std::int64_t now_nanos);
  /// One line.
  std::string plain(const JobProgress& job, std::int64_t now_nanos);
  /// What was done, at the end. `outcome`: "FINISHED", or a failure in words.
  static std::string summary(const JobProgress& job, const std::string& outcome);

 private:
  // Records per second of operator `index` since the last call.
  double rate(const JobProgress& job, std::size_t index, std::int64_t now_nanos) const;
  void remember(const JobProgress& job, std::int64_t now_nanos);

  std::optional<JobProgress> last_;
  std::int64_t last_nanos_ = 0;
};

}  // namespace weir
