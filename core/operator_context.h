// SPDX-License-Identifier: Apache-2.0
// What an operator may ask of its host.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/file_store.h"
#include "base/metrics.h"
#include "core/ids.h"
#include "core/key_group.h"
#include "core/state_table.h"

namespace weir {

/// Who a running operator is. Constant over the attempt.
struct OperatorInfo {
  JobId job;
  std::string job_name;
  OperatorId id;
  std::string name;
  SubtaskIndex subtask;
  Parallelism parallelism;
  MaxParallelism max_parallelism;
  AttemptNumber attempt;
  KeyGroupRange key_groups;
};

/// The host's side of an operator. Valid from `open` to `close`.
///
/// Thread: the subtask's, but for `post`, which any thread may call.
class OperatorContext {
 public:
  virtual ~OperatorContext() = default;

  virtual const OperatorInfo& info() const = 0;
  virtual const Clock& clock() const = 0;
  virtual MetricGroup& metrics() = 0;
  virtual StateRegistry& state() = 0;
  virtual FileStore& files() = 0;

  /// Runs `work` off the subtask's thread, then `done` as mail on it. `done` is dropped when the
  /// attempt has ended by then.
  virtual void run_blocking(std::function<void()> work, std::function<void()> done) = 0;
  /// Runs `mail` on the subtask's thread at its next turn. Dropped when the attempt has ended.
  virtual void post(std::function<void()> mail) = 0;
  /// Asks to be polled again no later than `time`. For sources that found nothing to read.
  virtual void wake_at(ProcessingTime time) = 0;

  /// Sends a hint from a source reader to its enumerator. May be lost, repeated or late.
  virtual void send_hint(std::string payload) = 0;
  /// Tells that everything up to and including `checkpoint` is committed. Sinks that commit must
  /// call it after every commit, and once after `open` for the checkpoint they were restored from.
  virtual void report_committed(CheckpointId checkpoint) = 0;
};

}  // namespace weir
