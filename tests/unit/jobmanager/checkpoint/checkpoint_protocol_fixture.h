// SPDX-License-Identifier: Apache-2.0
// The checkpoint protocol with a clock, for tests that tell it facts and look at its commands.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "jobmanager/checkpoint/checkpoint_protocol.h"
#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {

/// Drives the protocol: each call is one fact; what it answered is in `commands_`.
class CheckpointProtocolFixture : public ::testing::Test {
 protected:
  void SetUp() override { use(make_job()); }

  void use(const JobGraph& graph) {
    plan_ = make_checkpoint_plan(graph);
    state_ = {};
    state_.base = state_.last = CheckpointId{40};
  }

  void tell(const CheckpointFact& fact) {
    CheckpointStep taken = step(plan_, std::move(state_), fact, now_);
    state_ = std::move(taken.state);
    commands_ = std::move(taken.commands);
    for (const auto& command : commands_) {
      if (const auto* timer = std::get_if<ArmTimer>(&command)) armed_[timer->timer] = timer->delay;
      if (const auto* timer = std::get_if<DropTimer>(&command)) armed_.erase(timer->timer);
    }
  }
  void advance(Duration duration) {
    now_.wall += duration;
    now_.monotonic_nanos += std::chrono::nanoseconds(duration).count();
  }

  template <class Command>
  std::vector<Command> all() const {
    std::vector<Command> found;
    for (const auto& command : commands_) {
      if (const auto* each = std::get_if<Command>(&command)) found.push_back(*each);
    }
    return found;
  }
  template <class Command>
  bool has() const {
    return !all<Command>().empty();
  }
  // Where in the answer the first such command stands.
  template <class Command>
  std::ptrdiff_t position() const {
    return std::ranges::find_if(
               commands_, [](const auto& each) { return std::holds_alternative<Command>(each); }) -
           commands_.begin();
  }
  std::vector<std::uint64_t> discarded() const {
    std::vector<std::uint64_t> ids;
    for (const DiscardFiles& each : all<DiscardFiles>()) ids.push_back(each.id.value());
    return ids;
  }

  AcknowledgeCheckpoint acknowledge(SubtaskId subtask, std::uint64_t id) const {
    AcknowledgeCheckpoint message;
    message.attempt = {JobId{1}, subtask, state_.attempt};
    message.checkpoint = CheckpointId{id};
    const OperatorId op = plan_.graph.vertex(subtask.vertex).operators.front().id;
    StateHandle handle;
    handle.path = "f" + std::to_string(subtask.vertex.value()) + "-" + to_string(subtask.index);
    handle.size = 7;
    message.snapshot.operators.push_back({op, handle});
    return message;
  }
  CommitReport commit(std::uint32_t index, std::uint64_t id) const {
    return {{JobId{1}, subtask(2, index), state_.attempt}, OperatorId{"sink"}, CheckpointId{id}};
  }

  void start(std::uint32_t attempt = 1, std::optional<CheckpointId> restored = std::nullopt) {
    tell(AttemptStarted{AttemptNumber{attempt}, restored, std::chrono::seconds{1}});
  }
  void report_all(SubtaskState state) {
    for (const SubtaskId subtask : plan_.subtasks) tell(SubtaskReported{subtask, state});
  }
  void run(std::uint32_t attempt = 1) {
    start(attempt);
    report_all(SubtaskState::kRunning);
  }
  void fire(CheckpointTimer timer) {
    armed_.erase(timer);
    tell(TimerFired{timer});
  }
  // Brings a checkpoint to where acknowledges are awaited.
  std::uint64_t trigger() {
    fire(CheckpointTimer::kTrigger);
    const std::uint64_t id = state_.last.value();
    tell(Prepared{CheckpointId{id}, Status::ok()});
    return id;
  }
  void acknowledge_all(std::uint64_t id) {
    for (const SubtaskId subtask : plan_.subtasks) tell(acknowledge(subtask, id));
  }
  void stored(std::uint64_t id, StoreOutcome outcome = StoreOutcome::kStored) {
    tell(StoreAnswered{CheckpointId{id}, outcome,
                       outcome == StoreOutcome::kStored ? Status::ok() : unavailable("disk")});
  }
  std::uint64_t complete_one() {
    const std::uint64_t id = trigger();
    acknowledge_all(id);
    stored(id);
    return id;
  }
  CheckpointPhase phase() const { return state_.pending->statistics.phase; }

  CheckpointPlan plan_;
  CheckpointProtocolState state_;
  CheckpointInstant now_{ProcessingTime{1'000'000}, 0};
  std::vector<CheckpointCommand> commands_;
  std::map<CheckpointTimer, Duration> armed_;
};

}  // namespace weir
