// SPDX-License-Identifier: Apache-2.0
// The operator interface: what the task calls, in which order.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.h"
#include "core/batch.h"
#include "core/ids.h"
#include "core/operator_context.h"
#include "core/output.h"
#include "core/stream_element.h"

namespace weir {

/// Whether a bounded piece of work is complete.
enum class Progress {
  kMore,  ///< the budget ended first; call again
  kDone,
};

/// How much work a call may still do. One unit is about one record, timer or window result.
class Budget {
 public:
  explicit Budget(std::size_t units) : left_(units) {}
  bool exhausted() const { return left_ == 0; }
  std::size_t left() const { return left_; }
  void spend(std::size_t units) { left_ -= units < left_ ? units : left_; }

 private:
  std::size_t left_;
};

/// What a source found when it was polled.
enum class PollResult {
  kMore,     ///< there is more to read now
  kNothing,  ///< nothing now; mail, a split or `wake_at` will tell when to try again
  kEnded,    ///< nothing will ever follow; asked once more after a restore
};

/// One transformation step, one instance per subtask, run inside a chain.
///
/// Order of calls: `open`, then any mix of process, poll, watermark, timer, snapshot and notify
/// calls, then `finish` until done when all input has ended (it may run again after a restore, so
/// it emits only what it takes out of state), then only snapshot and notify calls, then `close`.
/// `close` alone may come at any time after `open` began.
///
/// Errors: any call but `close` may throw; that ends the attempt.
/// Thread: the subtask's, one call at a time. Contains no mutex, atomic, thread or system clock.
class Operator {
 public:
  virtual ~Operator() = default;

  /// Registers state and acquires resources. `context` outlives the operator.
  virtual void open(OperatorContext& context) = 0;

  /// The head of a chain only: gets ready for the rows of `view`, which come next, perhaps in
  /// several batch calls. kMore: not yet; called again after the next mail.
  virtual Progress prepare_batch(InputIndex input, BatchView view) {
    (void)input;
    (void)view;
    return Progress::kDone;
  }
  /// Processes all rows of `view`.
  virtual void process_batch(InputIndex input, BatchView view) = 0;

  /// Sources only: reads some records, at most `budget`, and emits them.
  virtual PollResult poll(Budget& budget) {
    (void)budget;
    return PollResult::kNothing;
  }
  /// Sources only: the watermark and status that hold for everything emitted so far. Read by the
  /// chain at the watermark interval, and when poll returns kEnded. `nullopt`: none yet.
  virtual std::optional<Watermark> source_watermark() { return std::nullopt; }
  virtual WatermarkStatus source_status() { return WatermarkStatus::kActive; }
  /// Sources only: a hint from a reader (to an enumerator).
  virtual void on_hint(SubtaskIndex from, std::string_view payload) {
    (void)from;
    (void)payload;
  }

  /// Advances event time: fires timers, closes windows, releases buffers up to `watermark`.
  /// Called again with the same watermark until done; no record comes in between, and no snapshot.
  virtual Progress advance_watermark(Watermark watermark, Budget& budget) {
    (void)watermark;
    (void)budget;
    return Progress::kDone;
  }

  /// When the next processing-time work is due; `ProcessingTime::max()` if there is none.
  virtual ProcessingTime next_processing_time() const { return ProcessingTime::max(); }
  /// Does the processing-time work that is due at `now`.
  virtual Progress on_processing_time(ProcessingTime now, Budget& budget) {
    (void)now;
    (void)budget;
    return Progress::kDone;
  }

  /// All channels of `input` have ended: no batch of it follows. Called once per attempt and input,
  /// before `finish`; again after a restore.
  virtual void end_input(InputIndex input) { (void)input; }
  /// All input has ended (event time is at its end already): emits what is left.
  virtual Progress finish(Budget& budget) {
    (void)budget;
    return Progress::kDone;
  }

  /// The job stops with the snapshot that is about to be taken, unless that fails: output that
  /// waits for more to come with it need not wait any longer. `prepare_snapshot` follows.
  virtual void prepare_stop() {}
  /// A barrier is about to be forwarded; the last moment to emit in front of it.
  virtual void prepare_snapshot(CheckpointId checkpoint) { (void)checkpoint; }
  /// Checkpoint `checkpoint` is durable, and with it every earlier one. At most once per id; some
  /// ids never come.
  virtual void notify_checkpoint_complete(CheckpointId checkpoint) { (void)checkpoint; }
  virtual void notify_checkpoint_aborted(CheckpointId checkpoint) { (void)checkpoint; }

  /// Releases resources. Must not throw, emit or commit.
  virtual void close() noexcept {}

  /// The outputs by index; the main output is the first. Empty for a sink.
  virtual std::span<OutputPort* const> outputs() = 0;
};

}  // namespace weir
