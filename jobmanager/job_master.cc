// SPDX-License-Identifier: Apache-2.0
// The states of a job and what moves it from one to the next.
#include "jobmanager/job_master.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "core/mutants.h"
#include "jobmanager/restore.h"
#include "jobmanager/scheduler/placement.h"

namespace weir {
namespace {

Duration elapsed(std::int64_t from_nanos, std::int64_t to_nanos) {
  return std::chrono::duration_cast<Duration>(std::chrono::nanoseconds{to_nanos - from_nanos});
}

bool is_enumerator(const JobGraph& graph, VertexId vertex) {
  return std::ranges::none_of(graph.edges,
                              [vertex](const JobEdge& edge) { return edge.to == vertex; });
}

// Why the attempt ends, from the report of a subtask that is over.
Status failure_of(const JobGraph& graph, const SubtaskReport& report) {
  const std::string who = subtask_text(graph, report.attempt.subtask);
  if (report.state != SubtaskState::kFailed) return unavailable(who + " ended unasked");
  if (report.failure.is_ok()) return internal_error(who + " failed and did not say why");
  // What an operator threw names the operator and the subtask already.
  return report.failed_operator.empty() ? report.failure.with_context(who) : report.failure;
}

}  // namespace

JobMaster::JobMaster(const JobMasterEnvironment& environment, JobSubmission submission,
                     JobMasterHost& host)
    : environment_(environment),
      submission_(std::move(submission)),
      host_(host),
      submitted_nanos_(environment.clock.monotonic_nanos()),
      rng_(environment.seed),
      coordinator_({environment.clock, environment.executor, environment.blocking, rng_.next()},
                   {submission_.storage, environment.ha, submission_.job, environment.epoch},
                   submission_.graph, *this) {}

JobMaster::~JobMaster() { drop_timer(); }

void JobMaster::start() {
  if (submission_.restore) attempt_ = submission_.restore->attempt;
  std::optional<RestorePoint> point;
  if (submission_.restore) {
    point = {*submission_.restore, submission_.restore_path, submission_.is_restore_claimed};
  }
  coordinator_.recover(std::move(point), [this](const Status& status) {
    if (state_ != JobState::kCreated) return;
    if (!status.is_ok()) return terminate(JobState::kFailed, status);
    if (submission_.restore) {
      const Status restorable =
          check_restorable(submission_.graph, *submission_.restore,
                           submission_.allow_non_restored_state ? NonRestoredState::kAllowed
                                                                : NonRestoredState::kRefused);
      if (!restorable.is_ok()) return terminate(JobState::kFailed, restorable);
    }
    prepare_attempt(submission_.restore);
  });
}

bool JobMaster::is_active() const {
  return state_ == JobState::kDeploying || state_ == JobState::kRunning ||
         state_ == JobState::kStoppingWithCheckpoint || state_ == JobState::kStoppingWithSavepoint;
}

void JobMaster::send(TaskManagerId to, ControlMessage message, std::function<bool()> is_wanted,
                     std::function<void(Status)> on_answer) {
  const std::weak_ptr<bool> alive = alive_;
  environment_.sender.send(
      to, std::move(message),
      [alive, is_wanted = std::move(is_wanted)] { return !alive.expired() && is_wanted(); },
      [alive, on_answer = std::move(on_answer)](const Status& status) {
        if (!alive.expired() && on_answer) on_answer(status);
      });
}

void JobMaster::set_state(JobState state) {
  if (state == state_) return;
  state_ = state;
  host_.on_job_state(submission_.job, state);
}

// --- deploying ----------------------------------------------------------------------------------

void JobMaster::prepare_attempt(std::optional<CheckpointMetadata> restore) {
  restore_ = std::move(restore);
  set_state(JobState::kWaitingForSlots);
  try_deploy();
}

void JobMaster::on_slots_changed() { try_deploy(); }

void JobMaster::try_deploy() {
  if (state_ != JobState::kWaitingForSlots) return;
  const auto slots = environment_.slots.allocate(submission_.job, slots_needed(submission_.graph));
  if (slots) deploy(*slots);
}

void JobMaster::deploy(const std::vector<SlotId>& slots) {
  attempt_ = AttemptNumber{attempt_.value() + 1};
  execution_.emplace(submission_.job, attempt_, place(submission_.graph, slots));
  is_gone_ = false;
  set_state(JobState::kDeploying);
  DeployAttempt common;
  common.job = submission_.job;
  common.attempt = attempt_;
  common.graph_hash = graph_hash(submission_.graph);
  if (restore_) common.restored = restore_->id;
  common.checkpoint_directory = submission_.storage->directory();
  std::map<TaskManagerId, std::vector<DeployedSubtask>> parts;
  for (const auto& [subtask, execution] : execution_->subtasks()) {
    common.placement.push_back({subtask, execution.slot.task_manager});
    std::vector<OperatorRestore> restores;
    if (restore_) restores = restores_of(submission_.graph.vertex(subtask.vertex), *restore_);
    parts[execution.slot.task_manager].push_back(
        {subtask, execution.slot.slot, std::move(restores)});
  }
  log_info("attempt deployed", {{"job", submission_.graph.name},
                                {"attempt", attempt_},
                                {"checkpoint", restore_ ? to_string(restore_->id) : "none"}});
  coordinator_.start_attempt(attempt_, common.restored);
  restore_.reset();
  for (auto& [task_manager, subtasks] : parts) {
    DeployAttempt message = common;
    message.subtasks = std::move(subtasks);
    const auto is_wanted = [this, attempt = attempt_] {
      return attempt == attempt_ && is_active();
    };
    send(task_manager, std::move(message), is_wanted,
         [this, to = task_manager, attempt = attempt_](const Status& status) {
           on_deploy_answer(to, attempt, status);
         });
  }
}

void JobMaster::on_deploy_answer(TaskManagerId task_manager, AttemptNumber attempt,
                                 const Status& status) {
  if (attempt != attempt_ || !is_active()) return;
  if (status.is_ok()) {
    execution_->confirm_deployed(task_manager, environment_.clock.monotonic_nanos());
  } else if (is_unknown_outcome(status)) {
    host_.on_unreachable(task_manager);
  } else {
    fail(status.with_context("TaskManager " + to_string(task_manager) + " refused the deployment"));
  }
}

// --- watching -----------------------------------------------------------------------------------

bool JobMaster::on_heartbeat(TaskManagerId from, const std::vector<SubtaskReport>& reports) {
  const auto ending = ending_.find(from);
  const bool is_over = !is_active() && ending == ending_.end();
  bool is_attempt_alive = false;
  std::set<AttemptNumber> strays;  // attempts that run although they should be over
  for (const SubtaskReport& report : reports) {
    const AttemptNumber attempt = report.attempt.attempt;
    if (report.attempt.job != submission_.job || !is_alive(report.state)) continue;
    if (attempt < attempt_ || is_over) strays.insert(attempt);
    is_attempt_alive = true;
  }
  for (const AttemptNumber attempt : strays) {
    environment_.sender.send_once(from, CancelAttempt{submission_.job, attempt});
  }
  if (execution_) apply_reports(from, reports);
  if (ending == ending_.end()) {
    check_attempt(from);
  } else {
    ending->second.lists_nothing = !is_attempt_alive;
    check_ended(from);
  }
  return !strays.empty();
}

void JobMaster::apply_reports(TaskManagerId from, const std::vector<SubtaskReport>& reports) {
  const std::int64_t now = environment_.clock.monotonic_nanos();
  for (const SubtaskReport& report : reports) {
    if (report.attempt.job != submission_.job) continue;
    if (report.attempt.attempt != execution_->attempt()) {
      ++stale_messages_;
      continue;
    }
    if (execution_->apply(report, from, now) && is_active()) {
      coordinator_.apply(SubtaskReported{report.attempt.subtask, report.state});
    }
  }
}

void JobMaster::check_attempt(TaskManagerId from) {
  if (!is_active()) return;
  if (const auto failed = execution_->find_failed()) {
    const SubtaskReport& report = execution_->subtasks().at(*failed).report;
    return fail(failure_of(submission_.graph, report), report.failed_operator);
  }
  const std::int64_t now = environment_.clock.monotonic_nanos();
  if (const auto missing = execution_->find_missing(from, now, environment_.heartbeat_timeout)) {
    return fail(unavailable("TaskManager " + to_string(from) + " does not run " +
                            subtask_text(submission_.graph, *missing) + " any more"));
  }
  if (state_ == JobState::kDeploying && !execution_->find_unstarted()) {
    set_state(JobState::kRunning);
  }
}

void JobMaster::on_commit_report(const CommitReport& message) {
  coordinator_.apply(message);
  check_stop();
}

void JobMaster::on_task_manager_lost(TaskManagerId task_manager) {
  if (ending_.contains(task_manager)) return confirm_end(task_manager);
  if (!is_active() || !execution_->task_managers().contains(task_manager)) return;
  for (const auto& [subtask, execution] : execution_->subtasks()) {
    if (execution.slot.task_manager == task_manager) {
      coordinator_.apply(SubtaskReported{subtask, SubtaskState::kFailed});
    }
  }
  fail(unavailable("TaskManager " + to_string(task_manager) + " is lost"));
}

// --- checkpoints --------------------------------------------------------------------------------

void JobMaster::send_triggers(AttemptNumber attempt, const CheckpointBarrier& barrier) {
  if (!execution_ || attempt != attempt_) return;
  for (const auto& [subtask, execution] : execution_->subtasks()) {
    if (!is_enumerator(submission_.graph, subtask.vertex)) continue;
    const auto is_wanted = [this, id = barrier.id] {
      const auto& pending = coordinator_.state().pending;
      return pending && pending->barrier.id == id &&
             pending->statistics.phase == CheckpointPhase::kAcknowledging;
    };
    send(execution.slot.task_manager,
         TriggerCheckpoint{{submission_.job, subtask, attempt}, barrier}, is_wanted,
         [this, id = barrier.id](const Status& status) {
           // Whatever it was, it says nothing about the job: a restart may mend it.
           if (!status.is_ok())
             coordinator_.apply(TriggerFailed{id, unavailable(status.message())});
         });
  }
}

void JobMaster::send_to_all(ControlMessage message) {
  if (!execution_ || is_gone_) return;
  for (const TaskManagerId task_manager : execution_->task_managers()) {
    if (!host_.is_registered(task_manager)) continue;
    const auto is_wanted = [this, attempt = attempt_] { return attempt == attempt_ && !is_gone_; };
    // One that gets lost all the same is healed by the next, or by the protocol's reminder.
    send(task_manager, message, is_wanted, nullptr);
  }
}

void JobMaster::on_checkpoints_failed(AttemptNumber attempt, const Status& reason) {
  if (attempt == attempt_) fail(reason);
}

void JobMaster::on_final_commit(AttemptNumber attempt, CheckpointId checkpoint) {
  if (attempt != attempt_) return;
  log_info("final checkpoint committed",
           {{"job", submission_.graph.name}, {"checkpoint", checkpoint}});
  finish();
}

// --- stopping -----------------------------------------------------------------------------------

void JobMaster::take_savepoint(const SavepointOrder& order, SavepointAnswer done) {
  const bool stops = order.mode != SavepointMode::kGoOn;
  const bool may = state_ == JobState::kDeploying || state_ == JobState::kRunning ||
                   (state_ == JobState::kStoppingWithSavepoint && !stops);
  if (!may) return done(failed_precondition("the job is " + to_string(state_)));
  const std::uint64_t ticket = next_ticket_++;
  savepoint_answers_[ticket] = std::move(done);
  if (stops) {
    stop_ticket_ = ticket;
    set_state(JobState::kStoppingWithSavepoint);
  }
  // The job's number is in the name: no other run makes the same one (B14).
  const std::string prefix =
      fmt::format("{}/savepoint-{:06x}-", order.directory, submission_.job.value());
  coordinator_.apply(SavepointRequested{{ticket, prefix, order.mode}});
}

void JobMaster::on_savepoint(const SavepointRequest& request, const Result<std::string>& path) {
  if (path.is_ok()) {
    log_info("savepoint completed", {{"job", submission_.graph.name}, {"path", *path}});
  }
  if (stop_ticket_ != request.ticket) return answer_savepoint(request.ticket, path);
  const bool is_stopping = state_ == JobState::kStoppingWithSavepoint;
  if (path.is_ok()) {
    // The answer waits for the end. What is not committed by then is committed by a restore.
    if (!is_stopping) return;
    return start_timer(submission_.graph.checkpoints.timeout, [this] {
      fail(Status(StatusCode::kDeadlineExceeded, "its output was not committed in time"));
    });
  }
  stop_ticket_.reset();
  if (is_stopping) {
    set_state(execution_->find_unstarted() ? JobState::kDeploying : JobState::kRunning);
  }
  answer_savepoint(request.ticket, path);
}

void JobMaster::on_drain_failed(AttemptNumber attempt, const Status& reason) {
  if (attempt != attempt_ || !is_active()) return;
  // Nothing is wrong with the job: it is not the restart strategy's business.
  last_failure_ = reason;
  restart_delay_ = Duration{0};
  coordinator_.apply(AttemptEnded{reason});
  end_attempt(AfterAttempt::kRestart);
}

void JobMaster::answer_savepoint(std::uint64_t ticket, const Result<std::string>& path) {
  auto answer = savepoint_answers_.extract(ticket);
  if (!answer.empty()) answer.mapped()(path);
}

Status JobMaster::stopped_failure(const Status& failure) const {
  const Status reason = failure.is_ok() ? cancelled("the job was cancelled") : failure;
  return Status(reason.code(),
                "the job has stopped with savepoint '" + coordinator_.state().stopped_with->path +
                    "', but not all output up to it was committed; a restore from it commits the "
                    "rest: " +
                    reason.message(),
                reason.domain(), RetryHint::kNo);
}

void JobMaster::stop_with_checkpoint() {
  switch (state_) {
    case JobState::kDeploying:
    case JobState::kRunning:
      set_state(JobState::kStoppingWithCheckpoint);
      start_timer(submission_.graph.checkpoints.timeout, [this] {
        on_manual_checkpoint(Status(StatusCode::kDeadlineExceeded, "it took too long"));
      });
      return coordinator_.apply(ManualRequested{});
    case JobState::kCreated:
    case JobState::kWaitingForSlots:
    case JobState::kFailing:
    case JobState::kRestarting:
      stop_failure_ = unavailable("the job was " + to_string(state_));
      return cancel();
    case JobState::kStoppingWithCheckpoint:
    case JobState::kStoppingWithSavepoint:
    case JobState::kCancelling:
    case JobState::kFinishing:
    case JobState::kFinished:
    case JobState::kFailed:
    case JobState::kCancelled: return;
  }
}

void JobMaster::on_manual_checkpoint(const Result<CheckpointId>& result) {
  if (state_ != JobState::kStoppingWithCheckpoint) return;
  if (result.is_ok()) {
    stop_checkpoint_ = *result;
    return check_stop();
  }
  if (!stop_checkpoint_) stop_failure_ = result.status();
  cancel();
}

// The job is over once the output up to the checkpoint is committed: what runs on after it is lost.
void JobMaster::check_stop() {
  if (state_ != JobState::kStoppingWithCheckpoint || !stop_checkpoint_) return;
  if (coordinator_.is_committed(*stop_checkpoint_)) cancel();
}

void JobMaster::cancel() {
  if (coordinator_.state().phase == AttemptPhase::kClosed) return finish();
  if (coordinator_.state().stopped_with) return fail(cancelled("the job was cancelled"));
  switch (state_) {
    case JobState::kDeploying:
    case JobState::kRunning:
    case JobState::kStoppingWithCheckpoint:
    case JobState::kStoppingWithSavepoint:
      drop_timer();
      coordinator_.apply(AttemptEnded{cancelled("the job is cancelled")});
      return end_attempt(AfterAttempt::kCancel);
    case JobState::kFailing:
      after_ = AfterAttempt::kCancel;
      return set_state(JobState::kCancelling);
    case JobState::kCreated:
    case JobState::kWaitingForSlots:
    case JobState::kRestarting:
      drop_timer();
      set_state(JobState::kCancelling);
      return terminate(JobState::kCancelled, stop_result());
    case JobState::kCancelling:
    case JobState::kFinishing:
    case JobState::kFinished:
    case JobState::kFailed:
    case JobState::kCancelled: return;
  }
}

Status JobMaster::stop_result() const {
  if (stop_checkpoint_) return Status::ok();
  if (stop_failure_.is_ok()) return cancelled("the job was cancelled");
  const auto& retained = coordinator_.state().retained;
  return stop_failure_.with_context(
      "stopped without a new checkpoint (the latest is " +
      (retained.empty() ? std::string("none") : to_string(retained.back())) + ")");
}

// --- failing, restarting, ending ----------------------------------------------------------------

void JobMaster::fail(const Status& reason, const std::string& failed_operator) {
  // With everything committed there is nothing left that could fail (C12).
  if (coordinator_.state().phase == AttemptPhase::kClosed) return finish();
  if (!is_active()) return;
  last_failure_ = reason;
  failed_operator_ = failed_operator;
  coordinator_.apply(AttemptEnded{reason});
  if (coordinator_.state().stopped_with && !WEIR_MUTANT(B17)) {
    drop_timer();
    return end_attempt(AfterAttempt::kFail);  // `proceed` says with what
  }
  if (state_ != JobState::kStoppingWithCheckpoint) return end_attempt(decide_after(reason));
  drop_timer();
  if (!stop_checkpoint_) stop_failure_ = reason;
  end_attempt(AfterAttempt::kCancel);
}

JobMaster::AfterAttempt JobMaster::decide_after(const Status& reason) {
  RestartDecision decision = decide_restart(submission_.graph, std::move(restarts_), reason,
                                            environment_.clock.monotonic_nanos(), rng_);
  restarts_ = std::move(decision.history);
  restart_delay_ = decision.delay;
  log_warning("attempt failed",
              {{"job", submission_.graph.name},
               {"attempt", attempt_},
               {"reason", reason},
               {"then", decision.is_restarted ? "restart in " + to_string(decision.delay)
                                              : "give up: " + decision.why_not}});
  return decision.is_restarted ? AfterAttempt::kRestart : AfterAttempt::kFail;
}

void JobMaster::finish() {
  if (state_ == JobState::kFinishing || terminating_) return;
  drop_timer();
  if (is_active()) return end_attempt(AfterAttempt::kFinish);
  after_ = AfterAttempt::kFinish;
  set_state(JobState::kFinishing);
}

void JobMaster::end_attempt(AfterAttempt after) {
  after_ = after;
  ending_.clear();
  for (const TaskManagerId task_manager : execution_->task_managers()) {
    if (host_.is_registered(task_manager)) ending_[task_manager] = {};
  }
  set_state(after == AfterAttempt::kCancel   ? JobState::kCancelling
            : after == AfterAttempt::kFinish ? JobState::kFinishing
                                             : JobState::kFailing);
  if (ending_.empty()) return on_attempt_gone();
  for (const TaskManagerId task_manager : execution_->task_managers()) {
    if (ending_.contains(task_manager)) send_end(task_manager);
  }
}

void JobMaster::send_end(TaskManagerId task_manager) {
  ControlMessage message = CancelAttempt{submission_.job, attempt_};
  if (after_ == AfterAttempt::kFinish) message = CloseAttempt{submission_.job, attempt_};
  const auto is_wanted = [this, task_manager, attempt = attempt_] {
    return attempt == attempt_ && ending_.contains(task_manager);
  };
  send(task_manager, std::move(message), is_wanted,
       [this, is_wanted, task_manager](const Status& status) {
         if (!is_wanted()) return;
         if (is_unknown_outcome(status)) {
           return host_.on_unreachable(task_manager);
         }
         ending_[task_manager].has_answered = true;
         check_ended(task_manager);
       });
}

void JobMaster::check_ended(TaskManagerId task_manager) {
  const Ending& ending = ending_.at(task_manager);
  if (ending.has_answered && ending.lists_nothing) confirm_end(task_manager);
}

void JobMaster::confirm_end(TaskManagerId task_manager) {
  ending_.erase(task_manager);
  if (ending_.empty() && !is_gone_) on_attempt_gone();
}

void JobMaster::on_attempt_gone() {
  is_gone_ = true;
  coordinator_.apply(AttemptGone{});
  environment_.slots.release(submission_.job);
  host_.on_slots_released();
  proceed();
}

// Goes on once nothing runs and it is known what the last checkpoint is (C6).
void JobMaster::proceed() {
  const bool is_ending = state_ == JobState::kFailing || state_ == JobState::kCancelling ||
                         state_ == JobState::kFinishing;
  if (!is_ending || !is_gone_ || terminating_ || !coordinator_.is_settled()) return;
  // What became durable while the attempt ended counts all the same (C17).
  if (coordinator_.state().stopped_with && after_ != AfterAttempt::kFinish && !WEIR_MUTANT(B17)) {
    return terminate(JobState::kFailed, stopped_failure(last_failure_));
  }
  switch (after_) {
    case AfterAttempt::kRestart: return restart_later();
    case AfterAttempt::kFail: return terminate(JobState::kFailed, last_failure_);
    case AfterAttempt::kCancel: return terminate(JobState::kCancelled, stop_result());
    case AfterAttempt::kFinish: return terminate(JobState::kFinished, Status::ok());
  }
}

void JobMaster::restart_later() {
  set_state(JobState::kRestarting);
  start_timer(restart_delay_, [this] { read_and_restart(); });
}

void JobMaster::read_and_restart() {
  coordinator_.read_latest([this](Result<std::optional<CheckpointMetadata>> latest) {
    if (state_ != JobState::kRestarting) return;
    if (!latest.is_ok()) {
      last_failure_ = latest.status().with_context("the checkpoint to go on from");
      if (decide_after(last_failure_) == AfterAttempt::kRestart) return restart_later();
      return terminate(JobState::kFailed, last_failure_);
    }
    prepare_attempt(*latest ? std::move(*latest) : submission_.restore);
  });
}

void JobMaster::terminate(JobState state, Status result) {
  terminating_ = state;
  result_ = std::move(result);
  if (!result_.is_ok() && state == JobState::kFailed) last_failure_ = result_;
  // Slots are free by now, but files may still have to be deleted.
  coordinator_.when_storage_idle([this, state] {
    final_uptime_ = elapsed(submitted_nanos_, environment_.clock.monotonic_nanos());
    const auto& stopped = coordinator_.state().stopped_with;
    while (!savepoint_answers_.empty()) {
      const std::uint64_t ticket = savepoint_answers_.begin()->first;
      const bool is_done = stopped && stop_ticket_ == ticket && result_.is_ok();
      answer_savepoint(ticket, is_done           ? Result<std::string>(stopped->path)
                               : result_.is_ok() ? unavailable("the job has ended")
                                                 : result_);
    }
    set_state(state);
  });
}

void JobMaster::start_timer(Duration delay, std::function<void()> closure) {
  drop_timer();
  timer_ = environment_.executor.post_after(delay, [this, closure = std::move(closure)] {
    timer_ = 0;
    closure();
  });
}

void JobMaster::drop_timer() { environment_.executor.cancel(std::exchange(timer_, 0)); }

// --- for people ---------------------------------------------------------------------------------

JobStatus JobMaster::status() const {
  JobStatus status;
  status.job = submission_.job;
  status.name = submission_.graph.name;
  status.state = state_;
  status.uptime = is_terminal(state_)
                      ? final_uptime_
                      : elapsed(submitted_nanos_, environment_.clock.monotonic_nanos());
  status.attempt = attempt_;
  status.restarts = restarts_.restarts;
  status.last_failure = last_failure_;
  status.failed_operator = failed_operator_;
  status.waiting_for = waiting_for();
  status.vertices = summarize_vertices(submission_.graph, execution_ ? &*execution_ : nullptr);
  status.watermark =
      execution_ ? lowest_watermark(submission_.graph, status.vertices) : EventTime::none();
  status.checkpoints = summarize_checkpoints(coordinator_.state());
  status.stale_messages = stale_messages_;
  status.result = result_;
  if (coordinator_.state().stopped_with) status.savepoint = coordinator_.state().stopped_with->path;
  return status;
}

std::string JobMaster::waiting_for() const {
  switch (state_) {
    case JobState::kCreated: return "the checkpoint directory";
    case JobState::kWaitingForSlots:
      return std::to_string(slots_needed(submission_.graph)) + " slots; " +
             std::to_string(environment_.slots.num_free()) + " of " +
             std::to_string(environment_.slots.num_slots()) + " are free";
    case JobState::kDeploying:
      if (const auto subtask = execution_->find_unstarted()) {
        return subtask_text(submission_.graph, *subtask) + " to start";
      }
      return "";
    case JobState::kRestarting: return "the restart";
    case JobState::kFailing:
    case JobState::kCancelling:
    case JobState::kFinishing:
      if (ending_.empty()) return "the checkpoint storage";
      return "TaskManager " + to_string(ending_.begin()->first) + " to end attempt " +
             to_string(attempt_);
    case JobState::kRunning:
    case JobState::kStoppingWithCheckpoint:
    case JobState::kStoppingWithSavepoint:
      return checkpoint_waiting_for(coordinator_.plan(), coordinator_.state());
    case JobState::kFinished:
    case JobState::kFailed:
    case JobState::kCancelled: return "";
  }
  WEIR_UNREACHABLE();
}

}  // namespace weir
