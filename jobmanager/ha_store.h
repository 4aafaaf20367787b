// SPDX-License-Identifier: Apache-2.0
// HaStore: what outlives a JobManager besides the checkpoint directory. The seam, not yet a store.
#pragma once

#include "base/status.h"
#include "core/control_messages.h"
#include "core/ids.h"

namespace weir {

/// Remembers, under the leader's epoch, which checkpoint of a job is the latest.
///
/// A JobManager without one relies on the checkpoint directory alone: enough where one process at
/// a time can hold that directory.
///
/// Thread: any; blocks.
class HaStore {
 public:
  virtual ~HaStore() = default;
  /// Records a published checkpoint; repeats are ok. Errors: kFailedPrecondition when a newer
  /// leader has recorded something (it surely did not happen); kUnavailable when it is not known.
  virtual Status record_checkpoint(JobId job, LeaderEpoch epoch, CheckpointId checkpoint) = 0;
};

}  // namespace weir
