// SPDX-License-Identifier: Apache-2.0
// The life of a subtask, its default action, and what each element of its input means.
#include "taskmanager/task/subtask.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/logging.h"
#include "core/mutants.h"
#include "taskmanager/task/subtask_channels.h"

namespace weir {
namespace {

// Rows fed to the head between two looks at room and mail.
constexpr std::size_t kRowsPerFeed = 256;
// The same for timers, window results and polled records.
constexpr std::size_t kUnitsPerCall = 256;

std::int64_t nanos_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

const JobVertex& vertex_of(const SubtaskSetup& setup) {
  return setup.program->graph.vertex(setup.attempt.subtask.vertex);
}

// A file name that only one operator subtask of one attempt has.
std::string local_name(const OperatorInfo& info) {
  return fmt::format("{:x}-{:x}-{}-{}", info.job.value(), xxh3_64(info.id.value()),
                     info.subtask.value(), info.attempt.value());
}

// What the exception being handled means for the attempt.
Status status_of_current_exception() {
  try {
    throw;
  } catch (const StatusError& error) {
    return error.status();
  } catch (const std::bad_alloc&) {
    return resource_exhausted("out of memory");
  } catch (const std::exception& error) {
    return Status(StatusCode::kUnknown, error.what(), ErrorDomain::kUser);
  } catch (...) {
    return Status(StatusCode::kUnknown, "an exception of unknown type", ErrorDomain::kUser);
  }
}

}  // namespace

// --- life ----------------------------------------------------------------------------------------

Subtask::Subtask(std::shared_ptr<SubtaskEnvironment> environment, SubtaskSetup setup)
    : shared_environment_(std::move(environment)),
      environment_(*shared_environment_),
      setup_(std::move(setup)),
      kind_(vertex_of(setup_).operators.front().kind),
      is_source_(kind_ == OperatorKind::kEnumerator || kind_ == OperatorKind::kSourceReader),
      mailbox_(std::make_shared<Mailbox>(waker_)),
      gate_(take_inputs(environment_.channels, *setup_.program, setup_.attempt)),
      chain_(*setup_.program, setup_.attempt.subtask,
             take_outputs(environment_.channels, environment_.memory, *setup_.program,
                          setup_.attempt)),
      aligner_(std::max<std::size_t>(gate_.size(), 1), setup_.restored.value_or(CheckpointId{0})),
      merger_(gate_.size()),
      checkpointer_(environment_,
                    {setup_.attempt, setup_.checkpoint_directory, mailbox_,
                     [this] { return shared_from_this(); }},
                    chain_, contexts_) {
  const JobVertex& vertex = vertex_of(setup_);
  const SubtaskIndex index = setup_.attempt.subtask.index;
  const std::optional<AttemptId> enumerator = enumerator_of(*setup_.program, setup_.attempt);
  for (std::size_t i = 0; i < vertex.operators.size(); ++i) {
    OperatorInfo info{
        .job = setup_.attempt.job,
        .job_name = setup_.program->graph.name,
        .id = vertex.operators[i].id,
        .name = vertex.operators[i].name,
        .subtask = index,
        .parallelism = vertex.parallelism,
        .max_parallelism = vertex.max_parallelism,
        .attempt = setup_.attempt.attempt,
        .key_groups = key_group_range(vertex.max_parallelism, vertex.parallelism, index)};
    contexts_.push_back(std::make_unique<SubtaskContext>(
        environment_, SubtaskContext::Setup{std::move(info), vertex.id, enumerator, mailbox_,
                                            [this, i](const Mail& mail) {
                                              if (is_open(i)) chain_.run_as(i, mail);
                                            }}));
  }
  to_open_ = contexts_.size();
  for (std::uint32_t i = 0; i < gate_.size(); ++i) {
    const std::size_t input = gate_.input_of(ChannelIndex{i}).value();
    if (input >= open_channels_.size()) open_channels_.resize(input + 1);
    ++open_channels_[input];
  }
  gate_.set_waker(waker_);
  chain_.set_waker(waker_);
}

Subtask::~Subtask() { mailbox_->close(); }

StepResult Subtask::step(Budget& budget) {
  try {
    return advance(budget);
  } catch (...) {
    fail(status_of_current_exception());
  }
  return StepResult::kProgress;
}

StepResult Subtask::advance(Budget& budget) {
  run_mail();
  switch (phase_) {
    case Phase::kCreated: begin_restore(); return StepResult::kBlockedOnState;
    case Phase::kRestoring: return StepResult::kBlockedOnState;
    case Phase::kOpening: open_next(); return StepResult::kProgress;
    case Phase::kRunning:
    case Phase::kEnding:
    case Phase::kEnded: return run(budget);
    case Phase::kFailed: return StepResult::kBlockedOnInput;
    case Phase::kClosed:
    case Phase::kCancelled: return StepResult::kFinished;
  }
  WEIR_UNREACHABLE();
}

void Subtask::run_mail() {
  if (next_mail_ == mail_.size()) {
    if (!mailbox_->has_mail()) return;
    next_mail_ = 0;
    mail_ = mailbox_->take_batch();
  }
  while (next_mail_ < mail_.size()) {
    const Mail mail = std::move(mail_[next_mail_++]);
    mail();
  }
  mail_.clear();
  next_mail_ = 0;
  poll_found_nothing_ = false;
  waits_for_state_ = false;
  if (mailbox_->take_overflow() && phase_ != Phase::kFailed) {
    throw StatusError(internal_error("mailbox overflowed: more mail than its capacity"));
  }
}

void Subtask::begin_restore() {
  phase_ = Phase::kRestoring;
  struct Opened {
    Status status;
    std::vector<std::unique_ptr<OperatorStateBackend>> backends;
  };
  std::vector<OperatorStateSetup> setups;
  for (const auto& context : contexts_) {
    const OperatorInfo& info = context->info();
    setups.push_back({.id = info.id,
                      .subtask = info.subtask,
                      .parallelism = info.parallelism,
                      .max_parallelism = info.max_parallelism,
                      .checkpoint_directory = setup_.checkpoint_directory,
                      .local_name = local_name(info)});
    for (const OperatorRestore& restore : setup_.restores) {
      if (restore.id == info.id) setups.back().restores = restore.handles;
    }
  }
  environment_.background->run(
      [this, self = shared_from_this(), mailbox = mailbox_, setups = std::move(setups)] {
        auto opened = std::make_shared<Opened>();
        for (const OperatorStateSetup& setup : setups) {
          auto backend = environment_.state_backend.open(setup);
          opened->status = backend.status();
          if (!backend.is_ok()) break;
          opened->backends.push_back(std::move(*backend));
        }
        mailbox->post([this, opened] {
          if (phase_ != Phase::kRestoring) return;
          const std::size_t count = opened->backends.size();
          if (!opened->status.is_ok()) {
            chain_.run_as(count, [&] { throw StatusError(opened->status); });
          }
          for (std::size_t i = 0; i < count; ++i) {
            contexts_[i]->set_backend(std::move(opened->backends[i]));
          }
          phase_ = Phase::kOpening;
        });
      });
}

void Subtask::open_next() {
  --to_open_;
  chain_.open(to_open_, *contexts_[to_open_]);
  for (const std::string& name : contexts_[to_open_]->backend().unclaimed_states()) {
    log_warning("a restored state is not used by its operator",
                {{"operator", contexts_[to_open_]->info().id}, {"state", name}});
  }
  if (to_open_ == 0) set_phase(Phase::kRunning);
}

void Subtask::set_phase(Phase phase) {
  phase_ = phase;
  environment_.host.report(make_report());
}

void Subtask::fail(Status status) {
  if (const auto position = chain_.running()) {
    const OperatorInfo& info = contexts_[*position]->info();
    failed_operator_ = info.name;
    status = status.with_context(
        fmt::format("operator '{}' (subtask {})", info.name, info.subtask.value()));
    chain_.clear_running();
  }
  failure_ = std::move(status);
  chain_.close();
  cursor_ = {};
  wake_at_nanos_ = kNeverNanos;
  set_phase(Phase::kFailed);
}

void Subtask::close_as(Phase phase) {
  chain_.close();
  chain_.close_outputs(phase == Phase::kCancelled ? ChannelClose::kCancelled
                                                  : ChannelClose::kEarly);
  gate_.close();
  cursor_ = {};
  mailbox_->close();
  set_phase(phase);
  environment_.host.over(setup_.attempt);
}

SubtaskState Subtask::state() const {
  if (!failure_.is_ok()) return SubtaskState::kFailed;
  switch (phase_) {
    case Phase::kCreated:
    case Phase::kRestoring:
    case Phase::kOpening: return SubtaskState::kDeploying;
    case Phase::kRunning:
    case Phase::kEnding: return SubtaskState::kRunning;
    case Phase::kEnded: return SubtaskState::kEnded;
    case Phase::kFailed: return SubtaskState::kFailed;
    case Phase::kClosed: return SubtaskState::kClosed;
    case Phase::kCancelled: return SubtaskState::kCancelled;
  }
  WEIR_UNREACHABLE();
}

SubtaskReport Subtask::make_report() {
  SubtaskReport report;
  report.attempt = setup_.attempt;
  report.state = state();
  report.failure = failure_;
  report.failed_operator = failed_operator_;
  report.watermark = chain_.watermark();
  report.busy_nanos = static_cast<std::int64_t>(times_.busy.value());
  report.back_pressured_nanos = static_cast<std::int64_t>(times_.back_pressured.value());
  for (std::size_t i = 0; i < contexts_.size(); ++i) {
    OperatorReport& counts = report.operators.emplace_back(contexts_[i]->report());
    counts.records_in = chain_.records_in(i);
    counts.records_out = chain_.records_out(i);
  }
  return report;
}

// --- requests ------------------------------------------------------------------------------------

void Subtask::request_cancel() {
  mailbox_->post([this] {
    if (!is_over()) close_as(Phase::kCancelled);
  });
}

void Subtask::request_close() {
  mailbox_->post([this] {
    if (!is_over()) close_as(phase_ == Phase::kEnded ? Phase::kClosed : Phase::kCancelled);
  });
}

void Subtask::request_failure(Status reason) {
  mailbox_->post([this, reason = std::move(reason)] {
    if (!is_over() && phase_ != Phase::kFailed) throw StatusError(reason);
  });
}

void Subtask::request_checkpoint(const CheckpointBarrier& barrier) {
  mailbox_->post([this, barrier] {
    if (!takes_part()) {
      checkpointer_.decline(barrier.id, failed_precondition("the subtask does not run"));
    } else if (stopped_at_ && *stopped_at_ >= barrier.id) {
      // A repetition.
    } else if (!trigger_ || trigger_->id < barrier.id) {
      trigger_ = barrier;
      stopped_at_.reset();  // the JobManager goes on, so the stop has come to nothing
    }
  });
}

void Subtask::request_drain() {
  mailbox_->post([this] { is_draining_ = is_source_; });
}

void Subtask::notify_complete(CheckpointId checkpoint) {
  mailbox_->post([this, checkpoint] {
    if (takes_part()) checkpointer_.complete(checkpoint);
  });
}

void Subtask::notify_aborted(CheckpointId checkpoint) {
  mailbox_->post([this, checkpoint] {
    if (!takes_part() || WEIR_MUTANT(B9)) return;
    if (trigger_ && trigger_->id <= checkpoint) trigger_.reset();
    if (stopped_at_ && *stopped_at_ <= checkpoint) stopped_at_.reset();
    aligner_.on_abort(checkpoint);
    aligning_ = aligner_.aligning();
    checkpointer_.abort(checkpoint);
  });
}

void Subtask::deliver_hint(SubtaskIndex from, std::string payload) {
  mailbox_->post([this, from, payload = std::move(payload)] {
    if (phase_ == Phase::kRunning) chain_.run_as(0, [&] { chain_.head().on_hint(from, payload); });
  });
}

void Subtask::request_report() {
  mailbox_->post([this] {
    if (!is_over()) environment_.host.report(make_report());
  });
}

// --- default action ------------------------------------------------------------------------------

StepResult Subtask::run(Budget& budget) {
  now_ = environment_.clock.now();
  nanos_ = environment_.clock.monotonic_nanos();
  chain_.drain();
  if (stopped_at_) {
    wake_at_nanos_ = kNeverNanos;
    return StepResult::kBlockedOnInput;
  }
  if (nanos_ >= flush_at_) flush();
  if (contexts_.front()->wake_time() <= now_) {
    contexts_.front()->clear_wake_time();
    poll_found_nothing_ = false;
  }
  if (phase_ == Phase::kRunning && !chain_.has_work()) begin_due_work();
  for (;;) {
    const Turn turn = act(budget);
    if (is_over()) return StepResult::kFinished;
    if (turn != Turn::kActed) {
      // Before the last rows wait for company, they go.
      if (turn == Turn::kNoInput && flush_at_ != kNeverNanos) flush();
      rest();
      return turn == Turn::kNoInput   ? StepResult::kBlockedOnInput
             : turn == Turn::kNoState ? StepResult::kBlockedOnState
                                      : StepResult::kBlockedOnOutput;
    }
    if (budget.exhausted() || mailbox_->has_mail()) {
      for (const auto& context : contexts_) context->backend().tidy();
      return StepResult::kProgress;
    }
  }
}

Subtask::Turn Subtask::act(Budget& budget) {
  if (stopped_at_) return Turn::kNoInput;
  if (waits_for_state_) return Turn::kNoState;
  const bool has_room = chain_.has_room();
  if (chain_.has_work()) {
    if (!has_room) return Turn::kNoRoom;
    go_on_with_work(budget);
    return Turn::kActed;
  }
  if (trigger_) {
    const CheckpointBarrier barrier = *std::exchange(trigger_, std::nullopt);
    on_alignment(aligner_.on_barrier(ChannelIndex{0}, barrier));
    return Turn::kActed;
  }
  // A reader's control channel is always drained: its records emit nothing, and barriers queue.
  if (has_room || kind_ == OperatorKind::kSourceReader) {
    if (read_input(budget)) return Turn::kActed;
  }
  if (!has_room) return Turn::kNoRoom;
  if (is_drained()) {
    begin_end();
    return Turn::kActed;
  }
  if (!wants_poll()) return Turn::kNoInput;
  poll(budget);
  return Turn::kActed;
}

void Subtask::go_on_with_work(Budget& budget) {
  Budget slice(std::min(budget.left(), kUnitsPerCall));
  const std::size_t given = slice.left();
  chain_.work(slice);
  budget.spend(std::max<std::size_t>(given - slice.left(), 1));
  mark_dirty();
  if (phase_ == Phase::kEnding && !chain_.has_work()) enter_ended();
}

// Work that a time asks for: timers and the source's watermark.
bool Subtask::begin_due_work() {
  if (chain_.next_processing_time() <= now_) {
    chain_.begin_processing_time(now_);
    return true;
  }
  return is_source_ && nanos_ >= watermark_at_ && read_source_watermark();
}

bool Subtask::read_source_watermark() {
  watermark_at_ = nanos_ + nanos_of(setup_.options.watermark_interval);
  const WatermarkStatus status = chain_.head().source_status();
  const std::optional<Watermark> watermark = chain_.head().source_watermark();
  WatermarkMerger::Update update;
  if (watermark && watermark->time > chain_.watermark()) update.watermark = watermark;
  if (status != source_status_) update.status = source_status_ = status;
  apply(update);
  return chain_.has_work();
}

bool Subtask::read_input(Budget& budget) {
  if (cursor_.batch == nullptr) {
    std::optional<InputGate::Received> received = gate_.next(aligner_);
    if (!received) return false;
    budget.spend(1);
    on_element(*received);
  }
  if (cursor_.batch != nullptr) feed(budget);
  return true;
}

void Subtask::feed(Budget& budget) {
  const std::size_t begin = cursor_.position;
  if (begin == 0 && chain_.prepare(cursor_.input, cursor_.batch) == Progress::kMore) {
    waits_for_state_ = true;
    return;
  }
  const std::size_t end = std::min(begin + kRowsPerFeed, cursor_.batch->size());
  chain_.feed(cursor_.input, cursor_.batch, begin, end);
  cursor_.position = end;
  if (end == cursor_.batch->size()) cursor_ = {};
  budget.spend(end - begin);
  poll_found_nothing_ = false;
  mark_dirty();
}

bool Subtask::wants_poll() const {
  return is_source_ && phase_ == Phase::kRunning && !poll_found_nothing_ && !is_draining_;
}

void Subtask::poll(Budget& budget) {
  Budget slice(std::min(budget.left(), kUnitsPerCall));
  const std::size_t given = slice.left();
  const PollResult result = chain_.poll(slice);
  budget.spend(std::max<std::size_t>(given - slice.left(), 1));
  mark_dirty();
  if (result == PollResult::kMore) return;
  poll_found_nothing_ = true;
  if (result == PollResult::kEnded) {
    begin_end();
  } else {
    read_source_watermark();
  }
}

void Subtask::mark_dirty() {
  if (flush_at_ == kNeverNanos) flush_at_ = nanos_ + nanos_of(setup_.options.buffer_timeout);
}

void Subtask::flush() {
  chain_.flush();
  flush_at_ = kNeverNanos;
}

// Says when to be stepped though nothing came.
void Subtask::rest() {
  for (const auto& context : contexts_) context->backend().tidy();
  wake_at_nanos_ = flush_at_;
  // What is due while other work is under way waits for it, not for time.
  if (phase_ != Phase::kRunning || chain_.has_work()) return;
  const ProcessingTime wall =
      std::min(chain_.next_processing_time(), contexts_.front()->wake_time());
  if (wall != ProcessingTime::max()) {
    // Waits in bounded pieces, since the wall clock may jump.
    const Duration wait = std::clamp(wall - now_, Duration{0}, Duration{std::chrono::minutes{1}});
    wake_at_nanos_ = std::min(wake_at_nanos_, nanos_ + nanos_of(wait));
  }
  if (is_source_) wake_at_nanos_ = std::min(wake_at_nanos_, watermark_at_);
}

// --- elements ------------------------------------------------------------------------------------

void Subtask::on_element(InputGate::Received& received) {
  struct Visitor {
    Subtask& self;
    const InputGate::Received& from;
    // The event time of a reader is what it reads: its control channel says nothing about it.
    const bool has_event_time = self.kind_ != OperatorKind::kSourceReader;

    void operator()(BatchPtr& batch) const { self.begin_batch(from.input, std::move(batch)); }
    void operator()(const Watermark& watermark) const {
      if (has_event_time) self.apply(self.merger_.on_watermark(from.channel, watermark));
    }
    void operator()(const WatermarkStatus& status) const {
      if (has_event_time) self.apply(self.merger_.on_status(from.channel, status));
    }
    void operator()(const CheckpointBarrier& barrier) const {
      self.on_alignment(self.aligner_.on_barrier(from.channel, barrier));
    }
    void operator()(const EndOfInput&) const { self.on_end(from.channel, from.input); }
  };
  std::visit(Visitor{*this, received}, received.element);
}

void Subtask::begin_batch(InputIndex input, BatchPtr batch) {
  if (phase_ != Phase::kRunning) {
    throw StatusError(internal_error("records came after the end of input"));
  }
  if (!batch->empty()) cursor_ = {std::move(batch), input, 0};
}

void Subtask::on_alignment(const BarrierAligner::Outcome& outcome) {
  if (outcome.given_up) {
    checkpointer_.decline(*outcome.given_up,
                          Status(StatusCode::kAborted, "overtaken by a newer checkpoint"));
  }
  if (outcome.aligned) {
    const std::int64_t began = aligning_ == outcome.aligned->id ? alignment_start_ : nanos_;
    checkpointer_.take(*outcome.aligned, nanos_ - began);
    flush_at_ = kNeverNanos;
    const CheckpointKind kind = outcome.aligned->kind;
    if (kind == CheckpointKind::kSavepointStop) stopped_at_ = outcome.aligned->id;
    // Nothing can be missing any more: when the producers close, they may.
    const bool is_drained = kind == CheckpointKind::kSavepointStop && phase_ == Phase::kEnded;
    if (kind == CheckpointKind::kFinal || is_drained) gate_.expect_close();
  }
  if (aligning_ != aligner_.aligning()) {
    aligning_ = aligner_.aligning();
    alignment_start_ = nanos_;
  }
}

void Subtask::on_end(ChannelIndex channel, InputIndex input) {
  // The end may be what an alignment waits for. The snapshot is of the moment before it takes
  // effect: after a restore the channel ends again.
  on_alignment(aligner_.on_end(channel));
  if (--open_channels_[input.value()] == 0 && phase_ == Phase::kRunning) {
    chain_.run_as(0, [&] { chain_.head().end_input(input); });
    poll_found_nothing_ = false;
    mark_dirty();
  }
  // A reader ends when it has read its splits.
  if (kind_ == OperatorKind::kSourceReader) return;
  WatermarkMerger::Update update = merger_.on_end(channel);
  if (!aligner_.all_ended()) {
    apply(update);
    return;
  }
  update.watermark.reset();  // the end brings event time to its end
  apply(update);
  begin_end();
}

void Subtask::apply(const WatermarkMerger::Update& update) {
  if (update.status == WatermarkStatus::kActive) chain_.broadcast(WatermarkStatus::kActive);
  const bool turns_idle = update.status == WatermarkStatus::kIdle;
  if (update.watermark) {
    chain_.begin_watermark(*update.watermark, turns_idle ? update.status : std::nullopt);
  } else if (turns_idle) {
    // Rows emitted before must not follow a status that lets others run ahead of them.
    flush();
    chain_.broadcast(WatermarkStatus::kIdle);
  }
}

void Subtask::begin_end() {
  phase_ = Phase::kEnding;
  chain_.begin_end();
}

void Subtask::enter_ended() {
  flush_at_ = kNeverNanos;
  set_phase(Phase::kEnded);
  if (WEIR_MUTANT(B23)) close_as(Phase::kClosed);
}

}  // namespace weir
