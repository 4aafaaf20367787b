// SPDX-License-Identifier: Apache-2.0
// Messages to their job, TaskManagers that come and go, jobs that begin and end.
#include "jobmanager/job_manager.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/logging.h"
#include "core/key_group.h"

namespace weir {
namespace {

// How many jobs that are over can still be asked about, and lost TaskManagers be recognised.
constexpr std::size_t kEndedJobsMax = 100;
constexpr std::size_t kLostMax = 1000;
// A TaskManager that missed this many heartbeats gets nothing new to do (B34).
constexpr int kSuspectedAfter = 3;

std::int64_t nanos(Duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

}  // namespace

Status check_graph(const JobGraph& graph) {
  if (graph.vertices.empty()) return invalid_argument("job '" + graph.name + "' has no operators");
  std::uint32_t position = 0;
  for (const JobVertex& vertex : graph.vertices) {
    const std::uint32_t width = vertex.parallelism.value();
    if (vertex.id.value() != position++) {
      return invalid_argument("vertex '" + vertex.name + "' is not where its id says");
    }
    if (width == 0 || width > vertex.max_parallelism.value() ||
        vertex.max_parallelism.value() > kMaxParallelismLimit) {
      return invalid_argument("vertex '" + vertex.name + "' has parallelism " +
                              std::to_string(width) + " and max parallelism " +
                              to_string(vertex.max_parallelism));
    }
    if (vertex.operators.empty()) {
      return invalid_argument("vertex '" + vertex.name + "' has no operators");
    }
  }
  for (const JobEdge& edge : graph.edges) {
    if (edge.from.value() >= position || edge.to.value() >= position) {
      return invalid_argument("an edge of job '" + graph.name + "' leads nowhere");
    }
  }
  return Status::ok();
}

JobManager::JobManager(const JobManagerOptions& options, const JobManagerEnvironment& environment)
    : options_(options),
      environment_(environment),
      sender_(environment.executor, environment.transport, options.epoch, options.retry),
      rng_(environment.seed) {}

JobManager::~JobManager() { environment_.executor.cancel(check_timer_); }

void JobManager::post(std::function<void()> closure) {
  environment_.executor.post([alive = std::weak_ptr<bool>(alive_), closure = std::move(closure)] {
    if (!alive.expired()) closure();
  });
}

// --- jobs ---------------------------------------------------------------------------------------

Status JobManager::submit(JobSubmission submission, JobListener& listener) {
  WEIR_RETURN_IF_ERROR(check_graph(submission.graph));
  if (!submission.storage) return invalid_argument("a job needs a checkpoint storage");
  const JobId job = submission.job;
  if (jobs_.contains(job)) return already_exists("job " + to_string(job) + " was submitted");
  JobEntry& entry = jobs_[job];
  entry.listener = &listener;
  entry.master = std::make_unique<JobMaster>(
      JobMasterEnvironment{environment_.clock, environment_.executor, environment_.blocking,
                           sender_, slots_, options_.heartbeat_timeout, options_.epoch,
                           environment_.ha, rng_.next()},
      std::move(submission), static_cast<JobMasterHost&>(*this));
  entry.master->start();
  return Status::ok();
}

JobMaster* JobManager::find(JobId job) {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : found->second.master.get();
}

Status JobManager::cancel(JobId job) {
  if (!jobs_.contains(job)) return not_found("there is no job " + to_string(job));
  if (JobMaster* master = find(job)) master->cancel();
  return Status::ok();
}

Status JobManager::stop_with_checkpoint(JobId job) {
  if (!jobs_.contains(job)) return not_found("there is no job " + to_string(job));
  if (JobMaster* master = find(job)) master->stop_with_checkpoint();
  return Status::ok();
}

void JobManager::take_savepoint(JobId job, const SavepointOrder& order, SavepointAnswer done) {
  if (!jobs_.contains(job)) return done(not_found("there is no job " + to_string(job)));
  JobMaster* const master = find(job);
  if (master == nullptr) return done(failed_precondition("the job is over"));
  master->take_savepoint(order, std::move(done));
}

Result<JobStatus> JobManager::status(JobId job) const {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return not_found("there is no job " + to_string(job));
  return found->second.master ? found->second.master->status() : found->second.last_status;
}

std::vector<JobId> JobManager::jobs() const {
  std::vector<JobId> ids;
  for (const auto& [id, entry] : jobs_) ids.push_back(id);
  return ids;
}

void JobManager::on_job_state(JobId job, JobState state) {
  log_info("job state", {{"job", job}, {"state", to_string(state)}});
  post([this, job, state] {
    const auto entry = jobs_.find(job);
    if (entry == jobs_.end()) return;
    entry->second.listener->on_state(job, state);
    if (is_terminal(state)) end_job(job);
  });
}

void JobManager::end_job(JobId job) {
  JobEntry& entry = jobs_.at(job);
  entry.last_status = entry.master->status();
  entry.master.reset();
  ended_.push_back(job);
  entry.listener->on_end(job, entry.last_status.state, entry.last_status.result);
  if (ended_.size() <= kEndedJobsMax) return;
  jobs_.erase(ended_.front());
  ended_.erase(ended_.begin());
}

// --- TaskManagers -------------------------------------------------------------------------------

std::vector<TaskManagerId> JobManager::task_managers() const {
  std::vector<TaskManagerId> ids;
  for (const auto& [id, entry] : task_managers_) ids.push_back(id);
  return ids;
}

Status JobManager::on(const RegisterTaskManager& message) {
  const TaskManagerId id = message.task_manager;
  if (id.value() == 0) return invalid_argument("TaskManager 0 is the JobManager");
  const auto [entry, is_new] = task_managers_.try_emplace(id);
  entry->second.heard_nanos = environment_.clock.monotonic_nanos();
  if (!is_new) return Status::ok();  // a repetition
  entry->second.slots = message.slots;
  entry->second.is_returning = lost_.erase(id) > 0;
  log_info("TaskManager registered", {{"id", id}, {"slots", message.slots}});
  slots_.add(id, message.slots);
  slots_.set_suspected(id, entry->second.is_returning);
  if (check_timer_ == 0) check_task_managers();
  offer_slots();
  return Status::ok();
}

Status JobManager::on_heartbeat(const Heartbeat& message, LeaderEpoch epoch) {
  const TaskManagerId from = message.task_manager;
  const auto entry = task_managers_.find(from);
  if (entry == task_managers_.end()) {
    ++counters_.unknown_senders;
    cancel_strays(message, [](JobId) { return true; });  // it was given up, with all it runs
    return not_found("TaskManager " + to_string(from) + " is not registered");
  }
  entry->second.heard_nanos = environment_.clock.monotonic_nanos();
  const bool is_past = epoch != options_.epoch;
  bool has_strays =
      cancel_strays(message, [&](JobId job) { return is_past || find(job) == nullptr; });
  for (auto& [job, each] : jobs_) {
    if (!is_past && each.master) has_strays |= each.master->on_heartbeat(from, message.subtasks);
  }
  // A call of a master may have given up its sender.
  const auto still = task_managers_.find(from);
  if (still == task_managers_.end()) return Status::ok();
  still->second.is_returning = still->second.is_returning && has_strays;
  slots_.set_suspected(from, still->second.is_returning);
  offer_slots();
  return Status::ok();
}

bool JobManager::cancel_strays(const Heartbeat& message,
                               const std::function<bool(JobId)>& is_stray) {
  std::set<std::pair<JobId, AttemptNumber>> strays;
  for (const SubtaskReport& report : message.subtasks) {
    const AttemptId& id = report.attempt;
    if (is_alive(report.state) && is_stray(id.job)) strays.insert({id.job, id.attempt});
  }
  for (const auto& [job, attempt] : strays) {
    sender_.send_once(message.task_manager, CancelAttempt{job, attempt});
  }
  return !strays.empty();
}

void JobManager::check_task_managers() {
  const std::int64_t now = environment_.clock.monotonic_nanos();
  const std::int64_t late = check_timer_ == 0 ? 0 : now - check_due_nanos_;
  std::vector<TaskManagerId> silent;
  for (auto& [id, entry] : task_managers_) {
    // While this process stood still, nobody could be heard.
    if (late > nanos(options_.heartbeat_interval)) {
      entry.heard_nanos = std::min(now, entry.heard_nanos + late);
    }
    const std::int64_t silence = now - entry.heard_nanos;
    if (silence > nanos(options_.heartbeat_timeout)) silent.push_back(id);
    if (silence > nanos(options_.heartbeat_interval) * kSuspectedAfter) {
      slots_.set_suspected(id, true);
    }
  }
  for (const TaskManagerId id : silent) lose(id);
  check_timer_ = 0;
  if (task_managers_.empty()) return;
  check_due_nanos_ = now + nanos(options_.heartbeat_interval);
  check_timer_ = environment_.executor.post_after(options_.heartbeat_interval,
                                                  [this] { check_task_managers(); });
}

void JobManager::lose(TaskManagerId task_manager) {
  if (task_managers_.erase(task_manager) == 0) return;
  log_warning("TaskManager lost", {{"id", task_manager}});
  slots_.remove(task_manager);
  lost_[task_manager] = environment_.clock.monotonic_nanos();
  if (lost_.size() > kLostMax) {
    lost_.erase(std::ranges::min_element(lost_, {}, [](const auto& each) { return each.second; }));
  }
  for (auto& [job, entry] : jobs_) {
    if (entry.master) entry.master->on_task_manager_lost(task_manager);
  }
}

void JobManager::offer_slots() {
  for (auto& [job, entry] : jobs_) {
    if (entry.master) entry.master->on_slots_changed();
  }
}

// --- messages -----------------------------------------------------------------------------------

Status JobManager::deliver(JobId job, const std::function<void(JobMaster&)>& call) {
  if (JobMaster* master = find(job)) {
    call(*master);
  } else {
    ++counters_.unknown_jobs;
  }
  return Status::ok();
}

Status JobManager::handle(const ControlEnvelope& envelope) {
  const auto refuse = [](const auto&) {
    return invalid_argument("a JobManager does not take this message");
  };
  if (envelope.epoch > options_.epoch) {
    ++counters_.stale_epochs;
    return failed_precondition("leader epoch " + to_string(options_.epoch) + " is over");
  }
  if (envelope.epoch < options_.epoch) {
    // A TaskManager that has not heard of any leader yet says zero.
    if (envelope.epoch != LeaderEpoch{}) ++counters_.stale_epochs;
    // What a TaskManager says about itself is true under any leader; the rest is the past.
    if (!std::holds_alternative<RegisterTaskManager>(envelope.message) &&
        !std::holds_alternative<Heartbeat>(envelope.message)) {
      return Status::ok();
    }
  }
  return std::visit(Overloaded{
                        [&](const RegisterTaskManager& each) { return on(each); },
                        [&](const Heartbeat& each) { return on_heartbeat(each, envelope.epoch); },
                        [&](const AcknowledgeCheckpoint& each) {
                          return deliver(each.attempt.job,
                                         [&](JobMaster& master) { master.on_acknowledge(each); });
                        },
                        [&](const DeclineCheckpoint& each) {
                          return deliver(each.attempt.job,
                                         [&](JobMaster& master) { master.on_decline(each); });
                        },
                        [&](const CommitReport& each) {
                          return deliver(each.attempt.job,
                                         [&](JobMaster& master) { master.on_commit_report(each); });
                        },
                        [&](const DeployAttempt& each) { return refuse(each); },
                        [&](const CancelAttempt& each) { return refuse(each); },
                        [&](const TriggerCheckpoint& each) { return refuse(each); },
                        [&](const NotifyCheckpointComplete& each) { return refuse(each); },
                        [&](const NotifyCheckpointAborted& each) { return refuse(each); },
                        [&](const CloseAttempt& each) { return refuse(each); },
                        [&](const DrainSources& each) { return refuse(each); },
                        [&](const SourceHint& each) { return refuse(each); },
                    },
                    envelope.message);
}

}  // namespace weir
