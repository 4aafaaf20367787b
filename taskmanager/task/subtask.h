// SPDX-License-Identifier: Apache-2.0
// Subtask: one parallel instance of a vertex, a state machine that never blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/control_messages.h"
#include "core/program.h"
#include "core/watermark_merger.h"
#include "taskmanager/io/barrier_aligner.h"
#include "taskmanager/io/input_gate.h"
#include "taskmanager/task/mailbox.h"
#include "taskmanager/task/operator_chain.h"
#include "taskmanager/task/subtask_checkpointer.h"
#include "taskmanager/task/subtask_context.h"
#include "taskmanager/task/subtask_environment.h"
#include "taskmanager/task_scheduler.h"

namespace weir {

/// What to run.
struct SubtaskSetup {
  AttemptId attempt;
  std::shared_ptr<const Program> program;  ///< shared by all subtasks of the job in this process
  std::vector<OperatorRestore> restores;
  std::optional<CheckpointId> restored;
  std::string checkpoint_directory;
  SubtaskOptions options;
};

/// Runs the operator chain of one vertex for one subtask index, in one attempt.
///
/// A step runs the mail that is there, then, within its budget and until new mail comes, its
/// default action: go on with a watermark, timers or the end; else take in some input; else poll
/// the source. The subtask, never an operator, holds the cursor into the input batch and asks for
/// room, and only at the head of the chain.
///
/// The end of input ends data: an ended subtask keeps aligning, snapshotting, forwarding barriers
/// and acknowledging until it is closed, so that every checkpoint contains every subtask.
///
/// Errors: what an operator throws ends the attempt: a Status that names the operator is reported.
/// Thread: `step` and `wake_at_nanos` by the scheduler, one at a time. The requests below: any.
class Subtask final : public SteppedTask, public std::enable_shared_from_this<Subtask> {
 public:
  /// Takes the channel ends. Nothing else happens before the first step.
  Subtask(std::shared_ptr<SubtaskEnvironment> environment, SubtaskSetup setup);
  /// Channels still open are closed as early: their other ends fail.
  ~Subtask() override;

  StepResult step(Budget& budget) override;
  std::int64_t wake_at_nanos() const override { return wake_at_nanos_; }

  const AttemptId& attempt() const { return setup_.attempt; }

  // Requests. Each becomes mail; what comes too late is ignored.

  /// Ends the attempt: closes operators and channels. May come at any time.
  void request_cancel();
  /// The final checkpoint is committed: closes operators and channels.
  void request_close();
  /// Ends the attempt as failed.
  void request_failure(Status reason);
  /// To an enumerator: lets a barrier start.
  void request_checkpoint(const CheckpointBarrier& barrier);
  void notify_complete(CheckpointId checkpoint);
  void notify_aborted(CheckpointId checkpoint);
  /// Lets the source end: an enumerator now, a reader once it knows that no split follows.
  void request_drain();
  void deliver_hint(SubtaskIndex from, std::string payload);
  /// Asks for a report to the host.
  void request_report();

 private:
  enum class Phase {
    kCreated,    ///< nothing done yet
    kRestoring,  ///< snapshots are being read in the background
    kOpening,    ///< operators open, one per step, the last of the chain first
    kRunning,    ///< takes in, processes, emits
    kEnding,     ///< all input has ended: event time goes to its end, operators finish
    kEnded,      ///< no data any more; takes part in checkpoints until it is closed
    kFailed,     ///< operators are closed; channels stay open and silent until the cancellation, so
                 ///< that the reason is reported before its consequences
    kClosed,     ///< closed after the final checkpoint
    kCancelled,  ///< closed before
  };
  /// What the default action found.
  enum class Turn { kActed, kNoInput, kNoRoom, kNoState };

  /// The batch being fed to the head.
  struct Cursor {
    BatchPtr batch;
    InputIndex input;
    std::size_t position = 0;
  };

  // --- life ---
  StepResult advance(Budget& budget);
  void run_mail();
  void begin_restore();
  void open_next();
  void set_phase(Phase phase);
  void fail(Status status);
  void close_as(Phase phase);
  bool takes_part() const {
    return phase_ == Phase::kRunning || phase_ == Phase::kEnding || phase_ == Phase::kEnded;
  }
  // Whether the operator at `position` takes mail. The last of the chain opens first, so those that
  // it may emit to are open too.
  bool is_open(std::size_t position) const {
    return takes_part() || (phase_ == Phase::kOpening && position >= to_open_);
  }
  bool is_over() const { return phase_ == Phase::kClosed || phase_ == Phase::kCancelled; }
  SubtaskState state() const;
  SubtaskReport make_report();

  // --- default action ---
  StepResult run(Budget& budget);
  Turn act(Budget& budget);
  void go_on_with_work(Budget& budget);
  bool begin_due_work();
  bool read_input(Budget& budget);
  void feed(Budget& budget);
  void poll(Budget& budget);
  bool wants_poll() const;
  // Whether the source is to end now, though there may be more to read.
  bool is_drained() const {
    return is_draining_ && phase_ == Phase::kRunning &&
           (kind_ == OperatorKind::kEnumerator || aligner_.all_ended());
  }
  void flush();
  void mark_dirty();
  void rest();

  // --- elements ---
  void on_element(InputGate::Received& received);
  void begin_batch(InputIndex input, BatchPtr batch);
  void on_end(ChannelIndex channel, InputIndex input);
  void on_alignment(const BarrierAligner::Outcome& outcome);
  void apply(const WatermarkMerger::Update& update);
  bool read_source_watermark();
  void begin_end();
  void enter_ended();

  const std::shared_ptr<SubtaskEnvironment> shared_environment_;
  SubtaskEnvironment& environment_;
  const SubtaskSetup setup_;
  const OperatorKind kind_;  // of the head
  const bool is_source_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::vector<std::unique_ptr<SubtaskContext>> contexts_;  // by position in the chain
  InputGate gate_;
  OperatorChain chain_;
  BarrierAligner aligner_;
  WatermarkMerger merger_;
  SubtaskCheckpointer checkpointer_;
  std::vector<std::size_t> open_channels_;  // by input: channels that have not ended

  Phase phase_ = Phase::kCreated;
  // The mail being run: what an exception leaves of a batch is run later.
  std::vector<Mail> mail_;
  std::size_t next_mail_ = 0;
  Status failure_;
  std::string failed_operator_;
  std::size_t to_open_ = 0;
  Cursor cursor_;
  std::optional<CheckpointBarrier> trigger_;
  std::optional<CheckpointId> aligning_;
  // The job stops with this savepoint: nothing is processed behind it, unless it is aborted.
  std::optional<CheckpointId> stopped_at_;
  bool is_draining_ = false;
  bool waits_for_state_ = false;  // of the rows at the cursor; mail ends it
  std::int64_t alignment_start_ = 0;
  bool poll_found_nothing_ = false;
  WatermarkStatus source_status_ = WatermarkStatus::kActive;

  // Times, read once per step.
  ProcessingTime now_;
  std::int64_t nanos_ = 0;
  std::int64_t watermark_at_ = 0;
  std::int64_t flush_at_ = kNeverNanos;  // never: nothing emitted since the last flush
  std::int64_t wake_at_nanos_ = kNeverNanos;
};

}  // namespace weir
