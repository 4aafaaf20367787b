// SPDX-License-Identifier: Apache-2.0
// Handling control messages, and keeping the JobManager informed.
#include "taskmanager/task_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/check.h"
#include "base/logging.h"

namespace weir {
namespace {

// Whether a message with this answer may or may not have arrived.
bool is_unknown_outcome(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded;
}

std::int64_t nanos_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

bool is_terminal(SubtaskState state) {
  switch (state) {
    case SubtaskState::kDeploying:
    case SubtaskState::kRunning:
    case SubtaskState::kEnded: return false;
    case SubtaskState::kClosed:
    case SubtaskState::kCancelled:
    case SubtaskState::kFailed: return true;
  }
  WEIR_UNREACHABLE();
}

}  // namespace

TaskManager::TaskManager(TaskManagerEnvironment environment, TaskManagerOptions options)
    : environment_(std::move(environment)),
      options_(std::move(options)),
      background_(std::make_shared<BackgroundWork>(environment_.blocking)),
      subtask_environment_(
          new SubtaskEnvironment{environment_.clock, environment_.files, environment_.state_backend,
                                 environment_.make_writer, environment_.channels, background_,
                                 *this, MemoryBudget(options_.memory_limit_bytes)}) {
  WEIR_CHECK_GT(options_.slots, 0U);
}

TaskManager::~TaskManager() { WEIR_CHECK(state_ == State::kCreated || state_ == State::kStopped); }

void TaskManager::start() {
  WEIR_CHECK(state_ == State::kCreated);
  state_ = State::kRunning;
  last_answer_nanos_ = last_tick_nanos_ = environment_.clock.monotonic_nanos();
  register_again(options_.retry.first_delay);
  post_after(options_.heartbeat_interval, [this] { tick(); });
}

void TaskManager::stop(std::function<void()> done) {
  WEIR_CHECK(state_ == State::kCreated || state_ == State::kRunning);
  on_stopped_ = std::move(done);
  state_ = State::kStopping;
  for (auto& [attempt, running] : running_) running.subtask->request_cancel();
  finish_stop();
}

// Goes on with stopping when the last subtask is over.
void TaskManager::finish_stop() {
  if (state_ != State::kStopping || num_subtasks() > 0) return;
  heartbeat();
  background_->when_idle([this] {
    post([this] {
      state_ = State::kStopped;
      running_.clear();
      on_stopped_();
    });
  });
}

void TaskManager::abandon() {
  alive_.reset();
  background_->abandon();
  for (auto& [attempt, running] : running_) environment_.scheduler.remove(*running.subtask);
  running_.clear();
  state_ = State::kStopped;
}

std::size_t TaskManager::num_subtasks() const {
  return static_cast<std::size_t>(std::count_if(
      running_.begin(), running_.end(), [](const auto& entry) { return !entry.second.is_over; }));
}

// --- messages ------------------------------------------------------------------------------------

Status TaskManager::handle(const ControlEnvelope& envelope) {
  if (envelope.from.is_job_manager()) {
    if (envelope.epoch < epoch_) {
      return Status(StatusCode::kAborted,
                    fmt::format("message of a former leader: epoch {}, newest {}",
                                envelope.epoch.value(), epoch_.value()));
    }
    epoch_ = envelope.epoch;
  }
  return std::visit([this](const auto& message) { return on_message(message); }, envelope.message);
}

template <class Other>
Status TaskManager::on_message(const Other&) {
  return invalid_argument("this message is for a JobManager");
}

Status TaskManager::on_message(const DeployAttempt& message) {
  const auto deployed = deployed_.find(message.job);
  if (deployed != deployed_.end() && deployed->second.attempt == message.attempt &&
      (!ended_.contains(message.job) || ended_.at(message.job) < message.attempt)) {
    return Status::ok();  // a repeat
  }
  const std::shared_ptr<const Program> program = environment_.programs(message.job);
  WEIR_RETURN_IF_ERROR(check_deployable(message, program.get()));
  if (message.attempt.value() > 0) {
    end_attempts(message.job, AttemptNumber{message.attempt.value() - 1}, &Subtask::request_cancel);
  }
  deployed_[message.job] = {message.attempt, message.placement};
  const Status status = run_attempt(message, program);
  if (!status.is_ok()) end_attempts(message.job, message.attempt, &Subtask::request_cancel);
  heartbeat_soon();
  return status;
}

Status TaskManager::check_deployable(const DeployAttempt& message, const Program* program) const {
  const std::string what =
      fmt::format("deploy job {} attempt {}: ", message.job.value(), message.attempt.value());
  if (state_ != State::kRunning) return failed_precondition(what + "the TaskManager is stopping");
  const auto ended = ended_.find(message.job);
  if (ended != ended_.end() && message.attempt <= ended->second) {
    return failed_precondition(what + "it was cancelled or closed");
  }
  const auto deployed = deployed_.find(message.job);
  if (deployed != deployed_.end() && message.attempt < deployed->second.attempt) {
    return failed_precondition(what + "a newer attempt was deployed");
  }
  if (program == nullptr) return not_found(what + "this process does not have its program");
  if (const std::uint64_t hash = graph_hash(program->graph); hash != message.graph_hash) {
    return failed_precondition(
        what + fmt::format("the program here makes another job graph: hash {:016x}, submitted "
                           "{:016x}. Does main() depend on more than its arguments?",
                           hash, message.graph_hash));
  }
  for (const DeployedSubtask& subtask : message.subtasks) {
    if (subtask.slot >= options_.slots) {
      return invalid_argument(what + fmt::format("slot {} of {}", subtask.slot, options_.slots));
    }
    if (subtask.subtask.vertex.value() >= program->graph.vertices.size()) {
      return invalid_argument(what + "no such vertex");
    }
  }
  return Status::ok();
}

Status TaskManager::run_attempt(const DeployAttempt& message,
                                const std::shared_ptr<const Program>& program) {
  for (const DeployedSubtask& deployed : message.subtasks) {
    const AttemptId attempt{message.job, deployed.subtask, message.attempt};
    try {
      Running& running = running_[attempt];
      running.report.attempt = attempt;
      running.subtask = std::make_shared<Subtask>(
          subtask_environment_, SubtaskSetup{attempt, program, deployed.restores, message.restored,
                                             message.checkpoint_directory, options_.subtask});
      environment_.scheduler.add(deployed.slot, running.subtask);
    } catch (const std::exception& error) {
      // A factory is user code and may throw.
      running_.erase(attempt);
      return Status(StatusCode::kUnknown, error.what(), ErrorDomain::kUser)
          .with_context("making the operators of '" +
                        program->graph.vertex(deployed.subtask.vertex).name + "'");
    }
  }
  return Status::ok();
}

Status TaskManager::on_message(const CancelAttempt& message) {
  end_attempts(message.job, message.attempt, &Subtask::request_cancel);
  return Status::ok();
}

Status TaskManager::on_message(const CloseAttempt& message) {
  end_attempts(message.job, message.attempt, &Subtask::request_close);
  return Status::ok();
}

Status TaskManager::on_message(const DrainSources& message) {
  for_each_of(message.job, message.attempt, [](Subtask& subtask) { subtask.request_drain(); });
  return Status::ok();
}

void TaskManager::end_attempts(JobId job, AttemptNumber last, void (Subtask::*request)()) {
  const auto ended = ended_.try_emplace(job, last).first;
  ended->second = std::max(ended->second, last);
  for (auto& [attempt, running] : running_) {
    if (attempt.job == job && attempt.attempt <= last) (running.subtask.get()->*request)();
  }
  environment_.channels.close_attempt(job, last);
}

template <class Call>
void TaskManager::for_each_of(JobId job, AttemptNumber attempt, Call&& call) {
  for (auto& [id, running] : running_) {
    if (id.job == job && id.attempt == attempt && !running.is_over) call(*running.subtask);
  }
}

Subtask* TaskManager::find(const AttemptId& attempt) {
  const auto found = running_.find(attempt);
  return found == running_.end() || found->second.is_over ? nullptr : found->second.subtask.get();
}

Status TaskManager::on_message(const TriggerCheckpoint& message) {
  Subtask* const subtask = find(message.attempt);
  if (subtask == nullptr) return not_found("trigger checkpoint: the subtask does not run here");
  subtask->request_checkpoint(message.barrier);
  return Status::ok();
}

Status TaskManager::on_message(const NotifyCheckpointComplete& message) {
  for_each_of(message.job, message.attempt,
              [&](Subtask& subtask) { subtask.notify_complete(message.checkpoint); });
  return Status::ok();
}

Status TaskManager::on_message(const NotifyCheckpointAborted& message) {
  for_each_of(message.job, message.attempt,
              [&](Subtask& subtask) { subtask.notify_aborted(message.checkpoint); });
  return Status::ok();
}

Status TaskManager::on_message(const SourceHint& message) {
  Subtask* const subtask = find(message.enumerator);
  if (subtask == nullptr) return not_found("source hint: the enumerator does not run here");
  subtask->deliver_hint(message.reader, message.payload);
  return Status::ok();
}

// --- what subtasks say ---------------------------------------------------------------------------

void TaskManager::report(SubtaskReport report) {
  post([this, report = std::move(report)]() mutable {
    const auto found = running_.find(report.attempt);
    if (found == running_.end()) return;
    const bool has_changed = found->second.report.state != report.state;
    if (has_changed && report.state == SubtaskState::kFailed) {
      log_warning("subtask failed", {{"attempt", report.attempt.attempt},
                                     {"subtask", report.attempt.subtask.index},
                                     {"reason", report.failure}});
    }
    found->second.report = std::move(report);
    if (has_changed) heartbeat_soon();
  });
}

void TaskManager::over(const AttemptId& attempt) {
  post([this, attempt] {
    const auto found = running_.find(attempt);
    if (found == running_.end()) return;
    found->second.is_over = true;
    heartbeat_soon();
    finish_stop();
  });
}

void TaskManager::hint(SourceHint hint) {
  post([this, hint = std::move(hint)] {
    const auto deployed = deployed_.find(hint.enumerator.job);
    if (deployed == deployed_.end() || deployed->second.attempt != hint.enumerator.attempt) return;
    for (const PlacedSubtask& placed : deployed->second.placement) {
      if (placed.subtask != hint.enumerator.subtask) continue;
      environment_.transport.send({placed.task_manager}, {{options_.id}, epoch_, hint}, nullptr);
    }
  });
}

void TaskManager::deliver(const AttemptId& attempt, ControlMessage message) {
  post([this, delivery = std::make_shared<Delivery>(Delivery{
                  attempt, std::move(message), options_.retry.first_delay})] { send(delivery); });
}

// Sends until it has arrived, or nobody waits for it any more.
void TaskManager::send(const std::shared_ptr<Delivery>& delivery) {
  if (find(delivery->attempt) == nullptr) return;
  send_to_job_manager(delivery->message, [this, delivery](const Status& answer) {
    if (!is_unknown_outcome(answer)) return;
    post_after(delivery->delay, [this, delivery] { send(delivery); });
    delivery->delay = std::min(delivery->delay * 2, options_.retry.delay_max);
  });
}

// --- registration and heartbeats -----------------------------------------------------------------

void TaskManager::register_again(Duration delay) {
  if (state_ != State::kRunning) return;
  send_to_job_manager(
      RegisterTaskManager{options_.id, options_.slots}, [this, delay](const Status& answer) {
        if (answer.is_ok()) {
          is_registered_ = true;
          last_answer_nanos_ = environment_.clock.monotonic_nanos();
          heartbeat_soon();
          return;
        }
        if (!is_unknown_outcome(answer)) {
          log_warning("the JobManager refuses this TaskManager", {{"reason", answer}});
        }
        post_after(delay, [this, delay] {
          register_again(std::min(delay * 2, options_.retry.delay_max));
        });
      });
}

void TaskManager::tick() {
  if (state_ != State::kRunning && state_ != State::kStopping) return;
  check_lease();
  heartbeat();
  for (auto& [attempt, running] : running_) {
    if (!running.is_over) running.subtask->request_report();
  }
  post_after(options_.heartbeat_interval, [this] { tick(); });
}

// Reports of several subtasks that change at the same time go together.
void TaskManager::heartbeat_soon() {
  if (std::exchange(is_heartbeat_posted_, true)) return;
  post([this] {
    is_heartbeat_posted_ = false;
    heartbeat();
  });
}

void TaskManager::heartbeat() {
  if (!is_registered_) return;
  Heartbeat message{options_.id, {}};
  std::vector<AttemptId> told;
  for (const auto& [attempt, running] : running_) {
    message.subtasks.push_back(running.report);
    if (running.is_over && is_terminal(running.report.state)) told.push_back(attempt);
  }
  send_to_job_manager(std::move(message), [this, told = std::move(told)](const Status& answer) {
    on_heartbeat_answer(answer, told);
  });
}

void TaskManager::on_heartbeat_answer(const Status& answer, const std::vector<AttemptId>& told) {
  if (answer.is_ok()) {
    last_answer_nanos_ = environment_.clock.monotonic_nanos();
    // The JobManager knows that they are over.
    for (const AttemptId& attempt : told) running_.erase(attempt);
  } else if (!is_unknown_outcome(answer) && std::exchange(is_registered_, false)) {
    // It does not know us: it is another one, or took us for lost.
    register_again(options_.retry.first_delay);
  }
}

void TaskManager::check_lease() {
  const std::int64_t now = environment_.clock.monotonic_nanos();
  const std::int64_t lease = nanos_of(options_.lease);
  const std::int64_t interval = nanos_of(options_.heartbeat_interval);
  const std::int64_t since_tick = now - std::exchange(last_tick_nanos_, now);
  // While this process stood still no answer could be taken: it may come within two intervals.
  if (since_tick > 2 * interval) {
    last_answer_nanos_ = std::max(last_answer_nanos_, now - lease + 2 * interval);
  }
  if (now - last_answer_nanos_ <= lease) return;
  for (auto& [attempt, running] : running_) {
    if (running.is_over || running.report.state == SubtaskState::kFailed) continue;
    running.subtask->request_failure(
        unavailable("the JobManager has not answered for " + to_string(options_.lease)));
  }
}

void TaskManager::send_to_job_manager(ControlMessage message,
                                      std::function<void(Status)> on_reply) {
  environment_.transport.send(
      ControlAddress::job_manager(), {{options_.id}, epoch_, std::move(message)},
      [alive = std::weak_ptr<bool>(alive_), on_reply = std::move(on_reply)](Status answer) {
        if (!alive.expired()) on_reply(std::move(answer));
      });
}

// --- closures ------------------------------------------------------------------------------------

std::function<void()> TaskManager::if_alive(std::function<void()> closure) const {
  return [alive = std::weak_ptr<bool>(alive_), closure = std::move(closure)] {
    if (!alive.expired()) closure();
  };
}

void TaskManager::post(std::function<void()> closure) {
  environment_.executor.post(if_alive(std::move(closure)));
}

void TaskManager::post_after(Duration delay, std::function<void()> closure) {
  environment_.executor.post_after(delay, if_alive(std::move(closure)));
}

}  // namespace weir
