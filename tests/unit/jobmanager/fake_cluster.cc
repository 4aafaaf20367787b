// SPDX-License-Identifier: Apache-2.0
// The rules that the fake TaskManagers follow.
#include "tests/unit/jobmanager/fake_cluster.h"

#include <algorithm>

namespace weir {
namespace {

constexpr Duration kHeartbeat = std::chrono::milliseconds{500};

bool lives(SubtaskState state) {
  return state == SubtaskState::kDeploying || state == SubtaskState::kRunning ||
         state == SubtaskState::kEnded;
}

std::string content(CheckpointId checkpoint, SubtaskId subtask) {
  return to_string(checkpoint) + ":" + to_string(subtask.vertex) + "-" + to_string(subtask.index);
}

}  // namespace

void FakeCluster::add(std::uint64_t id, std::uint32_t slots) {
  FakeTaskManager& task_manager = task_managers_[TaskManagerId{id}];
  task_manager.id = TaskManagerId{id};
  task_manager.slots = slots;
  send_register(task_manager.id);
  tick(task_manager.id);
}

void FakeCluster::send_register(TaskManagerId id) {
  FakeTaskManager& self = task_managers_.at(id);
  if (!self.is_up) return;
  pass(
      [this, id] {
        const FakeTaskManager& from = task_managers_.at(id);
        return tell_job_manager(id.value(), RegisterTaskManager{id, from.slots}, from.epoch);
      },
      [this, id](const Status& answer) {
        if (answer.is_ok()) {
          task_managers_.at(id).is_registered = true;
        } else {
          executor_.post_after(kHeartbeat, [this, id] { send_register(id); });
        }
      });
}

void FakeCluster::tick(TaskManagerId id) {
  if (!task_managers_.at(id).is_up) return;
  heartbeat(id.value());
  executor_.post_after(kHeartbeat, [this, id] { tick(id); });
}

void FakeCluster::heartbeat(std::uint64_t id) {
  FakeTaskManager& self = at(id);
  if (!self.is_up || !self.is_registered || !self.has_heartbeat) return;
  Heartbeat message{self.id, {}};
  for (const auto& [attempt, subtask] : self.subtasks) {
    SubtaskReport report;
    report.attempt = attempt;
    report.state = subtask.state;
    report.failure = subtask.failure;
    report.failed_operator = subtask.failed_operator;
    message.subtasks.push_back(report);
  }
  pass([this, id, message, epoch = self.epoch] { return tell_job_manager(id, message, epoch); },
       [this, id](const Status& answer) {
         if (answer.code() != StatusCode::kNotFound) return;
         at(id).is_registered = false;
         send_register(TaskManagerId{id});
       });
}

void FakeCluster::heartbeat_all() {
  for (const auto& [id, each] : task_managers_) heartbeat(id.value());
}

FakeTaskManager::Subtask* FakeCluster::find(SubtaskId subtask) {
  FakeTaskManager::Subtask* found = nullptr;
  AttemptNumber newest;
  for (auto& [id, task_manager] : task_managers_) {
    if (!task_manager.is_up) continue;
    for (auto& [attempt, each] : task_manager.subtasks) {
      if (attempt.subtask != subtask || attempt.attempt < newest) continue;
      newest = attempt.attempt;
      found = &each;
    }
  }
  return found;
}

void FakeCluster::set_all(SubtaskState state) {
  for (const JobVertex& vertex : graph_.vertices) {
    for (std::uint32_t i = 0; i < vertex.parallelism.value(); ++i) {
      FakeTaskManager::Subtask* subtask = find({vertex.id, SubtaskIndex{i}});
      if (subtask != nullptr && lives(subtask->state)) subtask->state = state;
    }
  }
  heartbeat_all();
}

void FakeCluster::fail(SubtaskId subtask, Status failure, const std::string& failed_operator) {
  FakeTaskManager::Subtask* found = find(subtask);
  if (found == nullptr || !lives(found->state)) return;
  found->state = SubtaskState::kFailed;
  found->failure = std::move(failure);
  found->failed_operator = failed_operator;
  heartbeat_all();
}

std::size_t FakeCluster::num_alive(AttemptNumber attempt) const {
  std::size_t count = 0;
  for (const auto& [id, task_manager] : task_managers_) {
    for (const auto& [key, subtask] : task_manager.subtasks) {
      count += task_manager.is_up && key.attempt == attempt && lives(subtask.state) ? 1 : 0;
    }
  }
  return count;
}

// --- the network --------------------------------------------------------------------------------

void FakeCluster::pass(std::function<Status()> call, std::function<void(Status)> on_reply) {
  const auto delay = [this] {
    return Duration{rng_.uniform_between(0, faults_.delay_max.count())};
  };
  const auto reply = [this, delay, on_reply](const Status& status) {
    if (on_reply) executor_.post_after(delay(), [on_reply, status] { on_reply(status); });
  };
  const bool is_lost = rng_.chance(faults_.loss);
  const bool is_reply_lost = rng_.chance(faults_.loss);
  if (rng_.chance(faults_.duplicate)) {
    executor_.post_after(delay() * 10, [call] { (void)call(); });
  }
  if (is_lost) return reply(unavailable("lost"));
  executor_.post_after(delay(), [call = std::move(call), reply, is_reply_lost] {
    const Status status = call();
    reply(is_reply_lost ? unavailable("reply lost") : status);
  });
}

void FakeCluster::send(ControlAddress to, ControlEnvelope envelope,
                       std::function<void(Status)> on_reply) {
  sent.emplace_back(to.task_manager, envelope.message);
  pass([this, to, envelope] { return deliver(to.task_manager, envelope); }, std::move(on_reply));
}

Status FakeCluster::tell_job_manager(std::uint64_t from, ControlMessage message,
                                     LeaderEpoch epoch) {
  if (job_manager_ == nullptr) return unavailable("no JobManager");
  return job_manager_->handle({{TaskManagerId{from}}, epoch, std::move(message)});
}

void FakeCluster::deliver_to_job_manager(TaskManagerId from, const AttemptId& attempt,
                                         ControlMessage message) {
  FakeTaskManager& self = task_managers_.at(from);
  const auto subtask = self.subtasks.find(attempt);
  if (!self.is_up || subtask == self.subtasks.end() || !lives(subtask->second.state)) return;
  if (!self.has_heartbeat) return;
  pass([this, from, message,
        epoch = self.epoch] { return tell_job_manager(from.value(), message, epoch); },
       [this, from, attempt, message](const Status& answer) {
         if (answer.code() != StatusCode::kUnavailable) return;
         executor_.post_after(std::chrono::milliseconds{100}, [this, from, attempt, message] {
           deliver_to_job_manager(from, attempt, message);
         });
       });
}

Status FakeCluster::deliver(TaskManagerId to, const ControlEnvelope& envelope) {
  const auto found = task_managers_.find(to);
  if (found == task_managers_.end() || !found->second.is_up) return unavailable("nobody there");
  FakeTaskManager& self = found->second;
  self.epoch = std::max(self.epoch, envelope.epoch);
  if (intercept) {
    if (const auto status = intercept(to, envelope.message)) return *status;
  }
  if (const auto* each = std::get_if<DeployAttempt>(&envelope.message)) return on(self, *each);
  if (const auto* each = std::get_if<CancelAttempt>(&envelope.message)) return on(self, *each);
  if (const auto* each = std::get_if<TriggerCheckpoint>(&envelope.message)) return on(self, *each);
  if (const auto* each = std::get_if<CloseAttempt>(&envelope.message)) return on(self, *each);
  if (const auto* each = std::get_if<NotifyCheckpointComplete>(&envelope.message)) {
    return on(self, *each);
  }
  return Status::ok();
}

// --- what a TaskManager does --------------------------------------------------------------------

Status FakeCluster::on(FakeTaskManager& task_manager, const DeployAttempt& message) {
  const auto ended = task_manager.ended.find(message.job);
  if (ended != task_manager.ended.end() && message.attempt <= ended->second) {
    return failed_precondition("cancelled");
  }
  const AttemptId any{message.job, message.subtasks.front().subtask, message.attempt};
  if (task_manager.subtasks.contains(any)) return Status::ok();
  if (message.attempt.value() > 1) {
    end(task_manager, message.job, AttemptNumber{message.attempt.value() - 1},
        SubtaskState::kCancelled);
  }
  if (must_restore_latest && message.restored != storage_->latest()) {
    violations.push_back("attempt " + to_string(message.attempt) +
                         " does not start from the latest checkpoint");
  }
  for (const DeployedSubtask& deployed : message.subtasks) {
    if (deployed.slot >= task_manager.slots) violations.push_back("slot out of range");
    check_restore(message, deployed);
    const AttemptId attempt{message.job, deployed.subtask, message.attempt};
    task_manager.subtasks[attempt] = {};
    if (message.restored && auto_commit) commit(task_manager, attempt, *message.restored);
  }
  heartbeat(task_manager.id.value());
  return Status::ok();
}

// What is restored must be one whole checkpoint, and that the newest.
void FakeCluster::check_restore(const DeployAttempt& message, const DeployedSubtask& deployed) {
  if (!message.restored) {
    if (!deployed.restores.empty()) violations.push_back("state without a checkpoint");
    return;
  }
  const JobVertex& vertex = graph_.vertex(deployed.subtask.vertex);
  if (deployed.restores.size() != vertex.operators.size()) violations.push_back("operator missing");
  for (const OperatorRestore& restore : deployed.restores) {
    for (std::uint32_t i = 0; i < restore.handles.size(); ++i) {
      if (restore.handles[i].inline_bytes !=
          content(*message.restored, {vertex.id, SubtaskIndex{i}})) {
        violations.push_back("restored '" + restore.handles[i].inline_bytes + "' from " +
                             to_string(*message.restored));
      }
    }
  }
}

void FakeCluster::end(FakeTaskManager& task_manager, JobId job, AttemptNumber attempt,
                      SubtaskState state) {
  auto& ended = task_manager.ended[job];
  ended = std::max(ended, attempt);
  for (auto& [id, subtask] : task_manager.subtasks) {
    if (id.job == job && id.attempt <= attempt && lives(subtask.state)) subtask.state = state;
  }
  heartbeat(task_manager.id.value());
}

Status FakeCluster::on(FakeTaskManager& task_manager, const CancelAttempt& message) {
  end(task_manager, message.job, message.attempt, SubtaskState::kCancelled);
  return Status::ok();
}

Status FakeCluster::on(FakeTaskManager& task_manager, const CloseAttempt& message) {
  end(task_manager, message.job, message.attempt, SubtaskState::kClosed);
  return Status::ok();
}

// The barrier reaches every subtask of the attempt at once.
Status FakeCluster::on(FakeTaskManager& task_manager, const TriggerCheckpoint& message) {
  if (!task_manager.subtasks.contains(message.attempt)) return not_found("no such enumerator");
  for (auto& [id, each] : task_managers_) {
    if (!each.is_up) continue;
    for (auto& [attempt, subtask] : each.subtasks) {
      if (attempt.job != message.attempt.job || attempt.attempt != message.attempt.attempt)
        continue;
      if (!lives(subtask.state) || subtask.last_barrier >= message.barrier.id) continue;
      subtask.last_barrier = message.barrier.id;
      if (message.barrier.kind == CheckpointKind::kFinal && subtask.state != SubtaskState::kEnded) {
        violations.push_back("final checkpoint of a subtask that has not ended");
      }
      if (auto_acknowledge) acknowledge(each, attempt, message.barrier);
    }
  }
  return Status::ok();
}

void FakeCluster::acknowledge(FakeTaskManager& task_manager, const AttemptId& attempt,
                              const CheckpointBarrier& barrier) {
  AcknowledgeCheckpoint message;
  message.attempt = attempt;
  message.checkpoint = barrier.id;
  StateHandle handle;
  handle.inline_bytes = content(barrier.id, attempt.subtask);
  handle.size = handle.inline_bytes.size();
  for (const OperatorSpec& spec : graph_.vertex(attempt.subtask.vertex).operators) {
    message.snapshot.operators.push_back({spec.id, handle});
  }
  const std::string name = handle.inline_bytes + "@" + to_string(attempt.attempt);
  if (!storage_->write(barrier.id, name)) {
    return deliver_to_job_manager(task_manager.id, attempt,
                                  DeclineCheckpoint{attempt, barrier.id, unavailable("no folder")});
  }
  deliver_to_job_manager(task_manager.id, attempt, message);
}

Status FakeCluster::on(FakeTaskManager& task_manager, const NotifyCheckpointComplete& message) {
  if (storage_->published.empty() ||
      std::ranges::find(storage_->published, message.checkpoint) == storage_->published.end()) {
    violations.push_back("complete before it was durable: " + to_string(message.checkpoint));
  }
  if (!auto_commit) return Status::ok();
  for (const auto& [attempt, subtask] : task_manager.subtasks) {
    if (attempt.job == message.job && attempt.attempt == message.attempt && lives(subtask.state)) {
      commit(task_manager, attempt, message.checkpoint);
    }
  }
  return Status::ok();
}

void FakeCluster::commit(FakeTaskManager& task_manager, const AttemptId& attempt,
                         CheckpointId checkpoint) {
  for (const OperatorSpec& spec : graph_.vertex(attempt.subtask.vertex).operators) {
    if (!spec.commits) continue;
    auto& highest = committed[attempt.subtask.index];
    highest = std::max(highest, checkpoint);
    deliver_to_job_manager(task_manager.id, attempt, CommitReport{attempt, spec.id, checkpoint});
  }
}

}  // namespace weir
