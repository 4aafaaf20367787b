// SPDX-License-Identifier: Apache-2.0
// TaskManagers made of a few rules, and the network between them and a JobManager.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "core/control_transport.h"
#include "core/job_graph.h"
#include "testing/manual_clock.h"
#include "testing/manual_executor.h"
#include "tests/unit/jobmanager/memory_checkpoint_storage.h"

namespace weir {

/// What the network does to a message or a reply.
struct NetworkFaults {
  double loss = 0;
  double duplicate = 0;
  Duration delay_max{0};
};

/// A TaskManager that does what it is told at once: no data flows, subtasks are only states.
struct FakeTaskManager {
  struct Subtask {
    SubtaskState state = SubtaskState::kRunning;
    Status failure;
    std::string failed_operator;
    CheckpointId last_barrier;
  };
  TaskManagerId id;
  std::uint32_t slots = 0;
  bool is_up = true;  ///< the process lives
  bool is_registered = false;
  bool has_heartbeat = true;  ///< its messages to the JobManager get through
  LeaderEpoch epoch;
  std::map<AttemptId, Subtask> subtasks;
  std::map<JobId, AttemptNumber> ended;
};

/// Thread: one.
class FakeCluster final : public ControlTransport {
 public:
  FakeCluster(ManualExecutor& executor, const JobGraph& graph,
              std::shared_ptr<MemoryCheckpointStorage> storage)
      : executor_(executor), graph_(graph), storage_(std::move(storage)), rng_(1) {}

  void attach(ControlHandler& job_manager) { job_manager_ = &job_manager; }
  void detach() { job_manager_ = nullptr; }
  void set_faults(const NetworkFaults& faults, std::uint64_t seed) {
    faults_ = faults;
    rng_ = Rng(seed);
  }

  /// Starts a TaskManager, which registers and sends heartbeats from then on.
  void add(std::uint64_t id, std::uint32_t slots);
  /// The process dies.
  void kill(std::uint64_t id) { at(id).is_up = false; }
  FakeTaskManager& at(std::uint64_t id) { return task_managers_.at(TaskManagerId{id}); }
  bool is_up(std::uint64_t id) const {
    const auto found = task_managers_.find(TaskManagerId{id});
    return found != task_managers_.end() && found->second.is_up;
  }
  /// The running subtask in the newest attempt, wherever it is; null if there is none.
  FakeTaskManager::Subtask* find(SubtaskId subtask);
  /// Every live subtask of the newest attempt reports this state.
  void set_all(SubtaskState state);
  void fail(SubtaskId subtask, Status failure, const std::string& failed_operator = "");
  void heartbeat(std::uint64_t id);
  void heartbeat_all();
  /// Live subtasks of `attempt`, anywhere.
  std::size_t num_alive(AttemptNumber attempt) const;

  void send(ControlAddress to, ControlEnvelope envelope,
            std::function<void(Status)> on_reply) override;
  /// Hands a message to the JobManager as if a TaskManager had sent it.
  Status tell_job_manager(std::uint64_t from, ControlMessage message, LeaderEpoch epoch);

  /// Everything that was sent to TaskManagers, in order; also what was lost.
  std::vector<std::pair<TaskManagerId, ControlMessage>> sent;
  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> found;
    for (const auto& [to, message] : sent) {
      if (const auto* each = std::get_if<Message>(&message)) found.push_back(*each);
    }
    return found;
  }

  /// Answers instead of the TaskManager, for messages for which it returns something.
  std::function<std::optional<Status>(TaskManagerId, const ControlMessage&)> intercept;
  bool auto_acknowledge = true;
  bool auto_commit = true;
  /// Whether every deployment has to start from the newest checkpoint in the storage.
  bool must_restore_latest = false;
  /// Set by what must never happen.
  std::vector<std::string> violations;
  /// The highest checkpoint that each committing subtask has committed, over all attempts.
  std::map<SubtaskIndex, CheckpointId> committed;

 private:
  Status deliver(TaskManagerId to, const ControlEnvelope& envelope);
  Status on(FakeTaskManager& task_manager, const DeployAttempt& message);
  Status on(FakeTaskManager& task_manager, const CancelAttempt& message);
  Status on(FakeTaskManager& task_manager, const TriggerCheckpoint& message);
  Status on(FakeTaskManager& task_manager, const NotifyCheckpointComplete& message);
  Status on(FakeTaskManager& task_manager, const CloseAttempt& message);
  void end(FakeTaskManager& task_manager, JobId job, AttemptNumber attempt, SubtaskState state);
  void check_restore(const DeployAttempt& message, const DeployedSubtask& deployed);
  void acknowledge(FakeTaskManager& task_manager, const AttemptId& attempt,
                   const CheckpointBarrier& barrier);
  void commit(FakeTaskManager& task_manager, const AttemptId& attempt, CheckpointId checkpoint);
  // Sends until it is known to have arrived or the subtask is over.
  void deliver_to_job_manager(TaskManagerId from, const AttemptId& attempt, ControlMessage message);
  void send_register(TaskManagerId id);
  void tick(TaskManagerId id);
  // Passes a call through the network: delayed, lost, or twice.
  void pass(std::function<Status()> call, std::function<void(Status)> on_reply);

  ManualExecutor& executor_;
  const JobGraph graph_;
  const std::shared_ptr<MemoryCheckpointStorage> storage_;
  ControlHandler* job_manager_ = nullptr;
  NetworkFaults faults_;
  Rng rng_;
  std::map<TaskManagerId, FakeTaskManager> task_managers_;
};

}  // namespace weir
