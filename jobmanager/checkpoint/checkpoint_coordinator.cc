// SPDX-License-Identifier: Apache-2.0
// From facts to the protocol, from its commands to messages, timers and storage.
#include "jobmanager/checkpoint/checkpoint_coordinator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/fault_point.h"
#include "core/mutants.h"

namespace weir {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

}  // namespace

CheckpointCoordinator::CheckpointCoordinator(const CheckpointEnvironment& environment,
                                             CheckpointStorageAccess access, JobGraph graph,
                                             CheckpointHost& host)
    : clock_(environment.clock),
      executor_(environment.executor),
      job_(access.job),
      plan_(make_checkpoint_plan(std::move(graph))),
      host_(host),
      rng_(environment.seed),
      store_(environment.executor, environment.blocking, std::move(access)) {}

CheckpointCoordinator::~CheckpointCoordinator() {
  for (const auto& [timer, handle] : timers_) executor_.cancel(handle);
}

void CheckpointCoordinator::recover(std::optional<RestorePoint> restore,
                                    std::function<void(Status)> done) {
  store_.recover(std::move(restore),
                 [this, done = std::move(done)](Result<RecoveredCheckpoints> recovered) {
                   if (!recovered.is_ok()) return done(recovered.status());
                   state_.base = state_.last = recovered->highest;  // C1
                   state_.retained = std::move(recovered->retained);
                   done(Status::ok());
                 });
}

void CheckpointCoordinator::start_attempt(AttemptNumber attempt,
                                          std::optional<CheckpointId> restored) {
  const CheckpointOptions& options = plan_.graph.checkpoints;
  const auto [low, high] = std::minmax(options.min_pause, options.interval);
  const Duration delay{rng_.uniform_between(low.count(), high.count())};
  apply(AttemptStarted{attempt, restored, delay});
}

void CheckpointCoordinator::apply(CheckpointFact fact) {
  facts_.push_back(std::move(fact));
  if (is_applying_) return;
  is_applying_ = true;
  while (!facts_.empty()) {
    const CheckpointFact next = std::move(facts_.front());
    facts_.pop_front();
    const bool was_pending = state_.pending.has_value();
    CheckpointStep taken = step(plan_, std::move(state_), next, now());
    state_ = std::move(taken.state);
    for (const CheckpointCommand& command : taken.commands) execute(command);
    if (was_pending && !state_.pending) {
      tell([](CheckpointHost& host) { host.on_checkpoint_settled(); });
    }
  }
  is_applying_ = false;
}

void CheckpointCoordinator::read_latest(
    std::function<void(Result<std::optional<CheckpointMetadata>>)> done) {
  WEIR_CHECK(is_settled());
  if (state_.retained.empty()) {
    tell([done = std::move(done)](CheckpointHost&) { done(std::optional<CheckpointMetadata>()); });
    return;
  }
  store_.read(state_.retained.back(),
              [done = std::move(done)](Result<CheckpointMetadata> metadata) {
                if (WEIR_MUTANT(B11) && !metadata.is_ok()) {
                  return done(std::optional<CheckpointMetadata>());
                }
                if (!metadata.is_ok()) return done(metadata.status());  // C13: nothing else will do
                done(std::optional<CheckpointMetadata>(std::move(metadata).value()));
              });
}

void CheckpointCoordinator::tell(std::function<void(CheckpointHost&)> call) {
  executor_.post([this, alive = std::weak_ptr<bool>(alive_), call = std::move(call)] {
    if (!alive.expired()) call(host_);
  });
}

void CheckpointCoordinator::drop_timer(CheckpointTimer timer) {
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return;
  executor_.cancel(found->second);
  timers_.erase(found);
}

void CheckpointCoordinator::arm_timer(const ArmTimer& command) {
  drop_timer(command.timer);
  timers_[command.timer] = executor_.post_after(command.delay, [this, timer = command.timer] {
    timers_.erase(timer);
    apply(TimerFired{timer});
  });
}

void CheckpointCoordinator::execute(const CheckpointCommand& command) {
  const auto answer_for = [this](CheckpointId id) {
    return [this, id](StoreOutcome outcome, const Status& reason) {
      apply(StoreAnswered{id, outcome, reason});
    };
  };
  const Overloaded visitor{
      [&](const PrepareDirectory& each) {
        store_.prepare(each,
                       [this, id = each.id](const Status& status) { apply(Prepared{id, status}); });
      },
      [&](const SendTriggers& each) { host_.send_triggers(each.attempt, each.barrier); },
      [&](const StoreMetadata& each) { store_.publish(each, answer_for(each.metadata.id)); },
      [&](const SendDrain& each) { host_.send_to_all(DrainSources{job_, each.attempt}); },
      [&](const ReadBack& each) { store_.read_back(each, answer_for(each.id)); },
      [&](const SendComplete& each) {
        host_.send_to_all(NotifyCheckpointComplete{job_, each.attempt, each.id});
        fault_point("checkpoint-notified");
      },
      [&](const SendAborted& each) {
        host_.send_to_all(NotifyCheckpointAborted{job_, each.attempt, each.id});
      },
      [&](const DiscardFiles& each) { store_.discard(each.id); },
      [&](const DiscardSavepoint& each) { store_.discard_savepoint(each.directory); },
      [&](const ArmTimer& each) { arm_timer(each); },
      [&](const DropTimer& each) { drop_timer(each.timer); },
      [&](const FailJob& each) {
        tell([each](CheckpointHost& host) {
          host.on_checkpoints_failed(each.attempt, each.reason);
        });
      },
      [&](const RestartJob& each) {
        tell([each](CheckpointHost& host) { host.on_drain_failed(each.attempt, each.reason); });
      },
      [&](const CloseJob& each) {
        tell([each](CheckpointHost& host) {
          host.on_final_commit(each.attempt, each.final_checkpoint);
        });
      },
      [&](const AnswerManual& each) {
        tell([each](CheckpointHost& host) { host.on_manual_checkpoint(each.result); });
      },
      [&](const AnswerSavepoint& each) {
        tell([each](CheckpointHost& host) { host.on_savepoint(each.request, each.path); });
      },
  };
  std::visit(visitor, command);
}

}  // namespace weir
