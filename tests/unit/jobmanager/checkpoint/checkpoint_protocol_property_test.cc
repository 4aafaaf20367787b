// SPDX-License-Identifier: Apache-2.0
// Random facts, half of them nonsense, never break an invariant of the checkpoint protocol. What
// must hold is kept track of here, from facts and commands alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "jobmanager/checkpoint/checkpoint_protocol.h"
#include "tests/unit/jobmanager/test_jobs.h"

namespace weir {
namespace {

constexpr std::uint64_t kBase = 40;

class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed) : rng_(seed) {
    JobGraph graph = make_job(1 + static_cast<std::uint32_t>(rng_.uniform(3)));
    graph.checkpoints.tolerable_failures = static_cast<std::uint32_t>(rng_.uniform(3));
    graph.checkpoints.retained = 1 + static_cast<std::uint32_t>(rng_.uniform(3));
    graph.checkpoints.enabled = rng_.chance(0.9);
    plan_ = make_checkpoint_plan(graph);
    state_.base = state_.last = CheckpointId{kBase};
    if (rng_.chance(0.5)) {
      state_.retained = {CheckpointId{kBase - 1}, CheckpointId{kBase}};
      durable_ = {kBase - 1, kBase};
    }
    // Most seeds believe in success, or no job would ever get to its end.
    helpful_ = rng_.chance(0.5) ? 0.95 : 0.6;
  }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      tell(rng_.chance(helpful_) ? helpful_fact() : any_fact());
    }
    // C4: whatever was begun can be brought to an end.
    if (state_.phase == AttemptPhase::kRunning) tell(AttemptEnded{unavailable("over")});
    if (state_.pending) {
      tell(StoreAnswered{state_.pending->barrier.id, StoreOutcome::kStored, Status::ok()});
    }
    EXPECT_FALSE(state_.pending);
    EXPECT_FALSE(in_flight_);
    EXPECT_EQ(begun_, state_.counters.completed + state_.counters.aborted);
    EXPECT_TRUE(unanswered_.empty() || is_closed()) << "C16";
  }

  std::uint64_t completed() const { return state_.counters.completed; }
  bool is_stopped() const { return is_stopped_; }
  std::uint64_t aborted() const { return state_.counters.aborted; }
  bool is_closed() const { return state_.phase == AttemptPhase::kClosed; }

 private:
  CheckpointId any_id() {
    return CheckpointId{kBase - 2 + rng_.uniform(state_.last.value() - kBase + 5)};
  }
  SubtaskId any_subtask() { return plan_.subtasks[rng_.uniform(plan_.subtasks.size())]; }
  AttemptId attempt_of(SubtaskId subtask, AttemptNumber attempt) {
    return {JobId{1}, subtask, attempt};
  }
  AttemptNumber any_attempt() {
    const std::uint32_t now = state_.attempt.value();
    return AttemptNumber{now == 0 ? 0 : now - 1 + static_cast<std::uint32_t>(rng_.uniform(3))};
  }
  AcknowledgeCheckpoint acknowledge(SubtaskId subtask, AttemptNumber attempt, CheckpointId id) {
    AcknowledgeCheckpoint message;
    message.attempt = attempt_of(subtask, attempt);
    message.checkpoint = id;
    message.snapshot.operators.push_back(
        {plan_.graph.vertex(subtask.vertex).operators.front().id, {}});
    return message;
  }
  CommitReport commit(AttemptNumber attempt, CheckpointId id) {
    const CommitterId& who = plan_.committers[rng_.uniform(plan_.committers.size())];
    return {attempt_of({VertexId{2}, who.subtask}, attempt), who.id, id};
  }

  // What a cluster in good health would say next.
  CheckpointFact helpful_fact() {
    if (state_.phase == AttemptPhase::kNone) return next_attempt();
    if (rng_.chance(0.3)) return progress_of_a_subtask();
    if (state_.pending) return progress_of_the_checkpoint(*state_.pending);
    if (rng_.chance(0.5)) {
      const auto wanted = state_.final_checkpoint ? state_.final_checkpoint : state_.restored;
      return commit(state_.attempt, wanted.value_or(state_.last));
    }
    return TimerFired{CheckpointTimer::kTrigger};
  }
  CheckpointFact next_attempt() {
    if (state_.pending) return progress_of_the_checkpoint(*state_.pending);
    if (rng_.chance(0.3)) return AttemptGone{};
    std::optional<CheckpointId> restored;
    if (!state_.retained.empty()) restored = state_.retained.back();
    return AttemptStarted{AttemptNumber{state_.attempt.value() + 1}, restored, Duration{5}};
  }
  CheckpointFact progress_of_a_subtask() {
    const SubtaskId subtask = any_subtask();
    const bool has_ended = rng_.chance(0.2) && state_.last.value() > kBase + 2;
    if (state_.subtasks.at(subtask) == SubtaskState::kEnded) {
      return rng_.chance(0.5) ? CheckpointFact{ManualRequested{}} : savepoint();
    }
    return SubtaskReported{subtask, has_ended ? SubtaskState::kEnded : SubtaskState::kRunning};
  }
  CheckpointFact progress_of_the_checkpoint(const PendingCheckpoint& pending) {
    switch (pending.statistics.phase) {
      case CheckpointPhase::kPreparing: return Prepared{pending.barrier.id, Status::ok()};
      case CheckpointPhase::kAcknowledging:
        return acknowledge(any_subtask(), pending.attempt, pending.barrier.id);
      default: return StoreAnswered{pending.barrier.id, StoreOutcome::kStored, Status::ok()};
    }
  }

  CheckpointFact savepoint() {
    // Most go on, or no job would ever get far.
    const auto mode =
        rng_.chance(0.9) ? SavepointMode::kGoOn : static_cast<SavepointMode>(1 + rng_.uniform(2));
    const SavepointRequest request{++tickets_, "/savepoints/s-", mode};
    unanswered_.insert(request.ticket);
    return SavepointRequested{request};
  }

  CheckpointFact any_fact() {
    const Status bad = rng_.chance(0.2) ? permission_denied("no") : unavailable("later");
    switch (rng_.uniform(13)) {
      case 0: return SubtaskReported{any_subtask(), static_cast<SubtaskState>(rng_.uniform(6))};
      case 1: return AttemptEnded{bad};
      case 2: return ManualRequested{};
      case 3: return Prepared{any_id(), rng_.chance(0.3) ? already_exists("chk") : bad};
      case 4: return TriggerFailed{any_id(), bad};
      case 5: {
        const auto outcome = static_cast<StoreOutcome>(rng_.uniform(3));
        return StoreAnswered{any_id(), outcome, outcome == StoreOutcome::kStored ? Status() : bad};
      }
      case 6: return TimerFired{static_cast<CheckpointTimer>(rng_.uniform(4))};
      case 7:
      case 8: return acknowledge(any_subtask(), any_attempt(), any_id());
      case 9: return DeclineCheckpoint{attempt_of(any_subtask(), any_attempt()), any_id(), bad};
      case 10: return commit(any_attempt(), any_id());
      case 11: return savepoint();
      default:
        // Gone only once it has ended: the job master's part of the bargain.
        if (state_.phase == AttemptPhase::kRunning) return ManualRequested{};
        return AttemptGone{};
    }
  }

  void tell(const CheckpointFact& fact) {
    observe(fact);
    now_.monotonic_nanos += static_cast<std::int64_t>(rng_.uniform(1'000'000'000));
    const bool was_pending = state_.pending.has_value();
    CheckpointStep taken = step(plan_, std::move(state_), fact, now_);
    state_ = std::move(taken.state);
    for (const CheckpointCommand& command : taken.commands) {
      std::visit([this](const auto& each) { check(each); }, command);
    }
    if (was_pending && !state_.pending && in_flight_.has_value()) {
      ASSERT_TRUE(durable_.contains(*in_flight_)) << "ended without a word";
      in_flight_.reset();
    }
    ASSERT_TRUE(std::ranges::is_sorted(state_.retained));
    ASSERT_LE(state_.history.size(), kCheckpointHistory);
  }

  // What the facts say, independent of what the protocol makes of them.
  void observe(const CheckpointFact& fact) {
    if (const auto* started = std::get_if<AttemptStarted>(&fact)) {
      attempt_ = started->attempt;
      restored_ = started->restored;
      is_running_ = true;
      commits_.clear();
      subtasks_.clear();
    } else if (std::holds_alternative<AttemptEnded>(fact)) {
      is_running_ = false;
    } else if (const auto* report = std::get_if<SubtaskReported>(&fact)) {
      if (is_running_ && subtasks_[report->subtask] < report->state) {
        subtasks_[report->subtask] = report->state;
      }
    } else if (const auto* ack = std::get_if<AcknowledgeCheckpoint>(&fact)) {
      if (triggered_ && is_running_ && ack->checkpoint.value() == triggered_ &&
          ack->attempt.attempt == attempt_) {
        acknowledged_.insert(ack->attempt.subtask);
      }
    } else if (const auto* answer = std::get_if<StoreAnswered>(&fact)) {
      if (storing_ == answer->id.value() && answer->outcome == StoreOutcome::kStored) {
        durable_.insert(answer->id.value());
        storing_ = 0;
      } else if (storing_ == answer->id.value() && answer->outcome == StoreOutcome::kNotStored) {
        storing_ = 0;
      }
    } else if (const auto* commit = std::get_if<CommitReport>(&fact)) {
      if (is_running_ && commit->attempt.attempt == attempt_) {
        auto& highest = commits_[{commit->id, commit->attempt.subtask.index}];
        highest = std::max(highest, commit->checkpoint.value());
      }
    }
  }

  bool all_in(std::set<SubtaskState> states) const {
    return subtasks_.size() == plan_.subtasks.size() &&
           std::ranges::all_of(subtasks_,
                               [&](const auto& each) { return states.contains(each.second); });
  }
  bool all_committed(std::uint64_t id) const {
    return std::ranges::all_of(plan_.committers, [&](const CommitterId& each) {
      const auto found = commits_.find(each);
      return found != commits_.end() && found->second >= id;
    });
  }

  void check(const PrepareDirectory& command) {
    const std::uint64_t id = command.id.value();
    // One that was completed in this very step is in flight no more.
    ASSERT_TRUE(!in_flight_ || durable_.contains(*in_flight_)) << "C2";
    ASSERT_GT(id, highest_) << "C1";
    ASSERT_TRUE(is_running_) << "C15";
    ASSERT_TRUE(all_in({SubtaskState::kRunning, SubtaskState::kEnded})) << "C10";
    ASSERT_TRUE(!restored_ || all_committed(restored_->value())) << "C10";
    highest_ = id;
    in_flight_ = id;
    ASSERT_FALSE(is_stopped_) << "C17";
    if (!command.savepoint.empty()) savepoints_[id] = command.savepoint;
    is_draining_ = false;
    ++begun_;
    triggered_ = 0;
    acknowledged_.clear();
  }
  void check(const SendTriggers& command) {
    ASSERT_EQ(command.barrier.id.value(), in_flight_);
    ASSERT_EQ(command.attempt, attempt_);
    if (command.barrier.kind == CheckpointKind::kFinal) {
      ASSERT_TRUE(all_in({SubtaskState::kEnded})) << "C12";
      finals_.insert(command.barrier.id.value());
    }
    if (command.barrier.kind == CheckpointKind::kSavepointStop) {
      stops_.insert(command.barrier.id.value());
    }
    ASSERT_EQ(command.barrier.savepoint_directory.empty(),
              !savepoints_.contains(command.barrier.id.value()));
    triggered_ = command.barrier.id.value();
  }
  void check(const SendDrain& command) {
    ASSERT_EQ(command.attempt, attempt_);
    ASSERT_TRUE(!in_flight_ || durable_.contains(*in_flight_)) << "C18";
    is_draining_ = true;
  }
  void check(const RestartJob& command) { ASSERT_EQ(command.attempt, attempt_); }
  void check(const DiscardSavepoint& command) {
    for (const auto& [id, directory] : savepoints_) {
      ASSERT_FALSE(directory == command.directory && durable_.contains(id)) << "C16";
    }
  }
  void check(const AnswerSavepoint& command) {
    ASSERT_EQ(unanswered_.erase(command.request.ticket), 1U) << "C16: answered once";
    if (!command.path.is_ok()) return;
    const auto found = std::ranges::find_if(
        savepoints_, [&](const auto& each) { return each.second == *command.path; });
    ASSERT_TRUE(found != savepoints_.end() && durable_.contains(found->first)) << "C16";
    is_stopped_ = command.request.mode != SavepointMode::kGoOn;
    if (is_stopped_) finals_.insert(found->first);
  }
  void check(const StoreMetadata& command) {
    ASSERT_EQ(command.metadata.id.value(), triggered_);
    ASSERT_EQ(acknowledged_.size(), plan_.subtasks.size()) << "C3";
    ASSERT_EQ(command.metadata.attempt, attempt_) << "C15";
    storing_ = triggered_;
  }
  void check(const ReadBack& command) { ASSERT_EQ(command.id.value(), storing_); }
  void check(const SendComplete& command) {
    ASSERT_TRUE(durable_.contains(command.id.value())) << "C5";
    ASSERT_TRUE(!savepoints_.contains(command.id.value()) || stops_.contains(command.id.value()))
        << "C16: no side effects";
    ASSERT_TRUE(is_running_);
    ASSERT_EQ(command.attempt, attempt_);
  }
  void check(const SendAborted& command) {
    ASSERT_EQ(command.id.value(), in_flight_) << "C4";
    ASSERT_FALSE(durable_.contains(command.id.value())) << "C4";
    in_flight_.reset();
    triggered_ = 0;
  }
  void check(const DiscardFiles& command) {
    const std::uint64_t id = command.id.value();
    ASSERT_NE(id, storing_) << "C6";
    // What holds the id of a savepoint is empty.
    if (durable_.contains(id) && savepoints_.contains(id)) return;
    ASSERT_FALSE(in_flight_ == id && triggered_ == id) << "C8";
    ASSERT_TRUE(id > kBase || discardable_before_us(id)) << "C8";
    std::size_t newer = 0;
    for (const std::uint64_t each : durable_) newer += each > id ? 1 : 0;
    if (!durable_.contains(id)) return;
    for (const auto& [savepoint, directory] : savepoints_) {
      newer -= savepoint > id && durable_.contains(savepoint) ? 1 : 0;
    }
    ASSERT_GE(newer, std::size_t{plan_.graph.checkpoints.retained}) << "C9";
  }
  bool discardable_before_us(std::uint64_t id) const { return durable_.contains(id); }
  void check(const ArmTimer& command) { ASSERT_GE(command.delay.count(), 0); }
  void check(const DropTimer&) {}
  void check(const FailJob& command) {
    ASSERT_GT(state_.consecutive_failures, plan_.graph.checkpoints.tolerable_failures) << "C11";
    ASSERT_FALSE(command.reason.is_ok());
  }
  void check(const CloseJob& command) {
    const std::uint64_t id = command.final_checkpoint.value();
    ASSERT_TRUE(finals_.contains(id) && durable_.contains(id)) << "C12";
    ASSERT_TRUE(all_committed(id)) << "C12";
    ASSERT_TRUE(!in_flight_ || in_flight_ == id);
  }
  void check(const AnswerManual& command) {
    ASSERT_TRUE(!command.result.is_ok() || durable_.contains(command.result->value()));
  }

  Rng rng_;
  double helpful_ = 0;
  CheckpointPlan plan_;
  CheckpointProtocolState state_;
  CheckpointInstant now_{ProcessingTime{0}, 0};

  AttemptNumber attempt_;
  bool is_running_ = false;
  std::optional<CheckpointId> restored_;
  std::map<SubtaskId, SubtaskState> subtasks_;
  std::map<CommitterId, std::uint64_t> commits_;
  std::uint64_t highest_ = kBase;
  std::uint64_t begun_ = 0;
  std::optional<std::uint64_t> in_flight_;
  std::uint64_t triggered_ = 0;
  std::set<SubtaskId> acknowledged_;
  std::uint64_t storing_ = 0;
  std::set<std::uint64_t> durable_;
  std::set<std::uint64_t> finals_;
  std::map<std::uint64_t, std::string> savepoints_;
  std::set<std::uint64_t> stops_;
  std::set<std::uint64_t> unanswered_;
  std::uint64_t tickets_ = 0;
  bool is_draining_ = false;
  bool is_stopped_ = false;
};

TEST(CheckpointProtocolPropertyTest, RandomFactsNeverBreakAnInvariant) {
  constexpr std::uint64_t kSeeds = 2'000;
  std::uint64_t completed = 0;
  std::uint64_t aborted = 0;
  std::uint64_t closed = 0;
  std::uint64_t stopped = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(seed);
    run.run(150);
    if (::testing::Test::HasFailure()) return;
    completed += run.completed();
    aborted += run.aborted();
    closed += run.is_closed() ? 1 : 0;
    stopped += run.is_stopped() ? 1 : 0;
  }
  // The walk must get everywhere, or it proves nothing.
  EXPECT_GT(completed, kSeeds);
  EXPECT_GT(aborted, kSeeds / 2);
  EXPECT_GT(closed, kSeeds / 20);
  EXPECT_GT(stopped, kSeeds / 100);
}

}  // namespace
}  // namespace weir
