// SPDX-License-Identifier: Apache-2.0
// What a sink connector implements: a writer whose unfinished output is part of the checkpoint.
#pragma once

#include <memory>

#include "core/batch.h"
#include "core/operator.h"
#include "core/operator_context.h"

namespace weir {

/// Writes the records of one sink subtask.
///
/// A writer with exactly-once output registers a state table (distribution split) in `open` that
/// carries everything written but not committed, grouped by checkpoint. When a checkpoint is
/// complete it commits everything up to that id, idempotently, then calls
/// `OperatorContext::report_committed`. After a restore it first commits again what the checkpoint
/// contains, and reports that.
///
/// Errors: throws StatusError; that ends the attempt.
/// Thread: the subtask's.
template <class T>
class SinkWriter {
 public:
  virtual ~SinkWriter() = default;
  virtual void open(OperatorContext& context) = 0;
  virtual void write(const TypedBatch<T>& batch, std::size_t begin, std::size_t end) = 0;
  /// The job is to stop with the savepoint that follows: what waits for more output with it need
  /// not. If that fails, the job goes on and writes again.
  virtual void prepare_stop() {}
  /// A barrier is about to pass: whatever was written so far belongs to `checkpoint`.
  virtual void prepare_commit(CheckpointId checkpoint) { (void)checkpoint; }
  virtual void commit(CheckpointId checkpoint) { (void)checkpoint; }
  /// All input has ended; a final checkpoint follows.
  virtual void finish() {}
  virtual ProcessingTime next_processing_time() const { return ProcessingTime::max(); }
  virtual void on_processing_time(ProcessingTime now) { (void)now; }
  virtual void close() noexcept {}
};

}  // namespace weir
