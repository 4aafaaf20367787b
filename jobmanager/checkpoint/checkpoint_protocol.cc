// SPDX-License-Identifier: Apache-2.0
// The transitions of the checkpoint protocol. Nothing here reads a clock, a file or a message.
#include "jobmanager/checkpoint/checkpoint_protocol.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "core/mutants.h"

namespace weir {
namespace {

// How long a read back of unknown outcome waits before the next: doubled each time up to the limit.
constexpr Duration kReadBackDelay = std::chrono::milliseconds{100};
constexpr Duration kReadBackDelayMax = std::chrono::seconds{5};
// How long a failed final checkpoint waits before the next, when the interval is not shorter.
constexpr Duration kFinalRetryDelay = std::chrono::seconds{1};
constexpr Duration kReminderDelay = std::chrono::seconds{1};
// Leftovers are discarded at the end of the attempt; more than this many are not remembered.
constexpr std::size_t kLeftoversMax = 1000;
// Savepoints that may wait for their turn.
constexpr std::size_t kRequestsMax = 16;

// What a subtask in this state means for a checkpoint. No state is "over, so not needed" (B5).
enum class Participation { kStarting, kTakesPart, kGone };

Participation participation(SubtaskState state) {
  switch (state) {
    case SubtaskState::kDeploying: return Participation::kStarting;
    case SubtaskState::kRunning: return Participation::kTakesPart;
    case SubtaskState::kEnded: return Participation::kTakesPart;
    case SubtaskState::kClosed: return Participation::kGone;
    case SubtaskState::kCancelled: return Participation::kGone;
    case SubtaskState::kFailed: return Participation::kGone;
  }
  WEIR_UNREACHABLE();
}

// Gathers the snapshots of all subtasks by operator. Operators that no subtask has state of are
// left out.
CheckpointMetadata make_metadata(const CheckpointPlan& plan, const PendingCheckpoint& pending,
                                 ProcessingTime now) {
  const CheckpointBarrier& barrier = pending.barrier;
  CheckpointMetadata metadata{
      plan.graph.name, barrier.id, barrier.kind, pending.attempt, barrier.triggered_at, now, {}};
  for (const JobVertex& vertex : plan.graph.vertices) {
    for (const OperatorSpec& spec : vertex.operators) {
      OperatorCheckpoint entry{spec.id, spec.name, vertex.max_parallelism, spec.states, {}};
      entry.subtasks.resize(vertex.parallelism.value());
      bool has_state = false;
      for (std::uint32_t i = 0; i < vertex.parallelism.value(); ++i) {
        const auto snapshot = pending.snapshots.find({vertex.id, SubtaskIndex{i}});
        if (snapshot == pending.snapshots.end()) continue;
        for (const OperatorSnapshot& part : snapshot->second.operators) {
          if (part.id != spec.id) continue;
          entry.subtasks[i] = part.handle;
          has_state = true;
        }
      }
      if (has_state) metadata.operators.push_back(std::move(entry));
    }
  }
  return metadata;
}

// One step: the state while it changes, and the commands so far.
class Transition {
 public:
  Transition(const CheckpointPlan& plan, CheckpointProtocolState state, CheckpointInstant now)
      : plan_(plan), options_(plan.graph.checkpoints), state_(std::move(state)), now_(now) {}

  CheckpointStep take() && { return {std::move(state_), std::move(commands_)}; }

  void on(const AttemptStarted& fact) {
    WEIR_CHECK(state_.phase == AttemptPhase::kNone && !state_.pending);
    state_.phase = AttemptPhase::kRunning;
    state_.attempt = fact.attempt;
    state_.first_delay = fact.first_delay;
    state_.restored = fact.restored;
    state_.final_checkpoint.reset();
    state_.is_restart_wanted = false;
    state_.trigger = TriggerPhase::kUnarmed;
    state_.committed.clear();
    state_.subtasks.clear();
    for (const SubtaskId subtask : plan_.subtasks) {
      state_.subtasks[subtask] = SubtaskState::kDeploying;
    }
    if (!is_tail_committed()) emit(ArmTimer{CheckpointTimer::kReminder, kReminderDelay});
  }

  void on(const SubtaskReported& fact) {
    const auto subtask = state_.subtasks.find(fact.subtask);
    if (state_.phase != AttemptPhase::kRunning || subtask == state_.subtasks.end()) return;
    if (fact.state < subtask->second) return stale();  // the states stand in their order
    subtask->second = fact.state;
    if (participation(fact.state) == Participation::kGone && is_awaited()) {
      if (WEIR_MUTANT(B5)) return accept(fact.subtask, {});
      // The attempt is about to end. Whatever this subtask acknowledged, the checkpoint is lost.
      abort(unavailable(subtask_text(plan_.graph, fact.subtask) + " ended"), Blame::kAttempt);
    }
    consider();
  }

  void on(const AttemptEnded& fact) {
    if (state_.phase == AttemptPhase::kClosed) return;
    state_.phase = AttemptPhase::kNone;
    state_.trigger = TriggerPhase::kUnarmed;
    emit(DropTimer{CheckpointTimer::kTrigger});
    emit(DropTimer{CheckpointTimer::kReminder});
    if (is_awaited()) abort(fact.reason, Blame::kAttempt);
    answer_manual(fact.reason);
    if (state_.draining) emit(DropTimer{CheckpointTimer::kExpiry});
    refuse_savepoints(fact.reason);
  }

  void on(const AttemptGone&) {
    // Only now is nobody left who could write another file (C7).
    for (const CheckpointId id : state_.leftovers) discard(id);
    state_.leftovers.clear();
    std::erase_if(state_.savepoints, [this](const auto& each) {
      return !state_.pending || each.first != state_.pending->barrier.id;
    });
  }

  void on(const ManualRequested&) {
    state_.is_manual_wanted = true;
    if (state_.phase != AttemptPhase::kRunning) {
      return answer_manual(unavailable("the job is not running"));
    }
    consider();
  }

  void on(const SavepointRequested& fact) {
    const bool is_ending = state_.final_checkpoint || state_.draining || is_stop_wanted();
    if (state_.phase != AttemptPhase::kRunning) {
      return emit(AnswerSavepoint{fact.request, unavailable("the job is not running")});
    }
    if (is_ending || state_.requests.size() >= kRequestsMax) {
      return emit(AnswerSavepoint{
          fact.request, failed_precondition(is_ending ? "the job is ending or stopping already"
                                                      : "too many savepoints are waiting")});
    }
    state_.requests.push_back(fact.request);
    consider();
  }

  void on(const Prepared& fact) {
    if (!fact.status.is_ok() || !is_pending(fact.id, CheckpointPhase::kPreparing)) {
      if (is_pending(fact.id, CheckpointPhase::kPreparing)) abort(fact.status, Blame::kCheckpoint);
      // A directory that was there is not ours: it stays as it is (B14).
      const bool is_made = fact.status.code() != StatusCode::kAlreadyExists;
      if (is_made && is_ours(fact.id) && !is_kept(fact.id)) discard(fact.id);
      return;
    }
    set_phase(CheckpointPhase::kAcknowledging);
    emit(SendTriggers{state_.attempt, state_.pending->barrier});
  }

  void on(const TriggerFailed& fact) {
    if (!is_pending(fact.id, CheckpointPhase::kAcknowledging)) return stale();
    abort(fact.reason.with_context("its barrier could not be started"), Blame::kCheckpoint);
  }

  void on(const AcknowledgeCheckpoint& fact) {
    if (!is_pending(fact.checkpoint, CheckpointPhase::kAcknowledging)) return late(fact);
    PendingCheckpoint& pending = *state_.pending;
    const SubtaskId subtask = fact.attempt.subtask;
    if (fact.attempt.attempt != pending.attempt || !state_.subtasks.contains(subtask)) {
      ++state_.counters.unknown_acknowledges;
      return;
    }
    if (pending.snapshots.contains(subtask)) {
      ++state_.counters.duplicate_acknowledges;
      return;
    }
    const auto& operators = plan_.graph.vertex(subtask.vertex).operators;
    for (const OperatorSnapshot& part : fact.snapshot.operators) {
      if (std::ranges::none_of(operators, [&](const auto& spec) { return spec.id == part.id; })) {
        return abort(
            internal_error(subtask_text(plan_.graph, subtask) + " sent state of operator '" +
                           part.id.value() + "', which is not in it"),
            Blame::kCheckpoint);
      }
      pending.statistics.bytes += part.handle.size;
    }
    CheckpointStatistics& seen = pending.statistics;
    seen.alignment_nanos_max = std::max(seen.alignment_nanos_max, fact.alignment_nanos);
    seen.freeze_nanos_max = std::max(seen.freeze_nanos_max, fact.freeze_nanos);
    seen.write_nanos_max = std::max(seen.write_nanos_max, fact.write_nanos);
    accept(subtask, fact.snapshot);
  }

  void on(const DeclineCheckpoint& fact) {
    if (!is_pending(fact.checkpoint, CheckpointPhase::kAcknowledging) ||
        fact.attempt.attempt != state_.attempt || !state_.subtasks.contains(fact.attempt.subtask)) {
      return stale();
    }
    const std::string who = subtask_text(plan_.graph, fact.attempt.subtask);
    abort(fact.reason.is_ok() ? unavailable(who + " declined")
                              : fact.reason.with_context(who + " declined"),
          Blame::kCheckpoint);
  }

  void on(const StoreAnswered& fact) {
    if (!is_pending(fact.id, CheckpointPhase::kStoring) &&
        !is_pending(fact.id, CheckpointPhase::kReadingBack)) {
      return;
    }
    switch (fact.outcome) {
      case StoreOutcome::kStored: return complete();
      case StoreOutcome::kNotStored: {
        // What made reading back necessary is the reason that helps.
        const Status first = state_.pending->statistics.failure;
        return abort(first.is_ok() ? fact.reason : first, Blame::kCheckpoint);
      }
      case StoreOutcome::kUnknown: return read_back(fact.reason);
    }
  }

  void on(const CommitReport& fact) {
    const CommitterId committer{fact.id, fact.attempt.subtask.index};
    if (state_.phase != AttemptPhase::kRunning || fact.attempt.attempt != state_.attempt ||
        std::ranges::find(plan_.committers, committer) == plan_.committers.end()) {
      return stale();
    }
    CheckpointId& committed = state_.committed[committer];
    committed = std::max(committed, fact.checkpoint);
    consider();
  }

  void on(const TimerFired& fact) {
    switch (fact.timer) {
      case CheckpointTimer::kTrigger: return on_trigger_due();
      case CheckpointTimer::kExpiry: return on_expired();
      case CheckpointTimer::kReadBack:
        if (state_.pending && state_.pending->statistics.phase == CheckpointPhase::kReadingBack) {
          emit_read_back();
        }
        return;
      case CheckpointTimer::kReminder: return remind();
    }
  }

 private:
  // Whose fault an abort is: only a checkpoint's own counts towards the tolerated ones.
  enum class Blame { kCheckpoint, kAttempt };

  template <class Command>
  void emit(Command command) {
    commands_.emplace_back(std::move(command));
  }
  void stale() { ++state_.counters.stale_messages; }
  void set_phase(CheckpointPhase phase) { state_.pending->statistics.phase = phase; }

  bool is_pending(CheckpointId id, CheckpointPhase phase) const {
    return state_.pending && state_.pending->barrier.id == id &&
           state_.pending->statistics.phase == phase;
  }
  // Whether a checkpoint is in flight that an abort may still end.
  bool is_awaited() const {
    return state_.pending && state_.pending->statistics.phase < CheckpointPhase::kStoring;
  }
  bool is_tail_committed() const {
    return !state_.restored || is_committed(plan_, state_, *state_.restored);
  }
  // Every subtask can take part, and every restored tail is committed (C10).
  bool is_ready() const {
    return is_tail_committed() && std::ranges::all_of(state_.subtasks, [](const auto& entry) {
             return participation(entry.second) == Participation::kTakesPart;
           });
  }
  bool has_ended() const {
    return std::ranges::all_of(
        state_.subtasks, [](const auto& entry) { return entry.second == SubtaskState::kEnded; });
  }

  // Does what the state allows now. Called after every fact that may allow something.
  void consider() {
    if (state_.phase != AttemptPhase::kRunning || state_.pending || !is_ready()) return;
    if (state_.is_restart_wanted) return;
    if (state_.final_checkpoint) {
      refuse_savepoints(failed_precondition("the job is ending"));
      // The final checkpoint contains all there is: no other follows in this attempt (C12).
      answer_manual(*state_.final_checkpoint);
      if (is_committed(plan_, state_, *state_.final_checkpoint)) close();
      return;
    }
    if (state_.draining) {
      // Nothing is taken of a job that is half drained (C18).
      if (has_ended()) begin(std::exchange(state_.draining, std::nullopt));
      return;
    }
    const bool may_be_final = state_.trigger != TriggerPhase::kBackingOff;
    if (state_.is_manual_wanted) return begin();
    if (!state_.requests.empty()) return begin_savepoint();
    if (has_ended() && may_be_final) return begin();
    if (state_.trigger == TriggerPhase::kUnarmed && options_.enabled) arm(state_.first_delay);
  }

  void arm(Duration delay, TriggerPhase phase = TriggerPhase::kArmed) {
    state_.trigger = phase;
    emit(ArmTimer{CheckpointTimer::kTrigger, std::max(delay, Duration{0})});
  }

  void on_trigger_due() {
    state_.trigger = TriggerPhase::kUnarmed;
    if (state_.phase != AttemptPhase::kRunning || state_.pending || state_.final_checkpoint) return;
    if (state_.draining || state_.is_restart_wanted) return;
    if (is_ready()) begin();
  }

  void begin_savepoint() {
    SavepointRequest request = std::move(state_.requests.front());
    state_.requests.pop_front();
    if (request.mode != SavepointMode::kDrain || has_ended()) return begin(std::move(request));
    state_.draining = std::move(request);
    state_.trigger = TriggerPhase::kUnarmed;
    emit(DropTimer{CheckpointTimer::kTrigger});
    emit(ArmTimer{CheckpointTimer::kExpiry, options_.timeout});
    emit(SendDrain{state_.attempt});
  }

  void begin(std::optional<SavepointRequest> request = std::nullopt) {
    CheckpointKind kind = has_ended() ? CheckpointKind::kFinal : CheckpointKind::kCheckpoint;
    state_.last = CheckpointId{state_.last.value() + 1};
    std::string directory;
    if (request) {
      const bool stops = request->mode != SavepointMode::kGoOn;
      kind = stops ? CheckpointKind::kSavepointStop : CheckpointKind::kSavepoint;
      directory = request->prefix + to_string(state_.last);
      state_.savepoints[state_.last] = directory;
    }
    PendingCheckpoint& pending = state_.pending.emplace();
    pending.barrier = {state_.last, kind, now_.wall, directory};
    pending.request = std::move(request);
    pending.attempt = state_.attempt;
    pending.begun_nanos = now_.monotonic_nanos;
    pending.is_manual = !pending.request && std::exchange(state_.is_manual_wanted, false);
    pending.statistics.id = state_.last;
    pending.statistics.kind = kind;
    pending.statistics.triggered_at = now_.wall;
    pending.statistics.subtasks = static_cast<std::uint32_t>(plan_.subtasks.size());
    state_.trigger = TriggerPhase::kUnarmed;
    emit(DropTimer{CheckpointTimer::kTrigger});
    emit(ArmTimer{CheckpointTimer::kExpiry, options_.timeout});
    emit(PrepareDirectory{state_.last, directory});
  }

  void accept(SubtaskId subtask, SubtaskSnapshot snapshot) {
    PendingCheckpoint& pending = *state_.pending;
    if (WEIR_MUTANT(B24) && state_.subtasks.at(subtask) == SubtaskState::kEnded) snapshot = {};
    pending.snapshots.emplace(subtask, std::move(snapshot));
    pending.statistics.acknowledged = static_cast<std::uint32_t>(pending.snapshots.size());
    if (pending.snapshots.size() < plan_.subtasks.size()) return;  // C3: every one, always
    set_phase(CheckpointPhase::kStoring);
    emit(DropTimer{CheckpointTimer::kExpiry});
    emit(StoreMetadata{make_metadata(plan_, pending, now_.wall),
                       pending.barrier.savepoint_directory});
  }

  // An acknowledge of a checkpoint that does not wait for one (C8).
  void late(const AcknowledgeCheckpoint& fact) {
    if (!is_ours(fact.checkpoint)) {
      ++state_.counters.unknown_acknowledges;
    } else if (is_kept(fact.checkpoint)) {
      ++state_.counters.duplicate_acknowledges;
    } else {
      ++state_.counters.late_acknowledges;
      discard(fact.checkpoint);
    }
  }
  bool is_ours(CheckpointId id) const { return id > state_.base && id <= state_.last; }
  bool is_kept(CheckpointId id) const {
    if (state_.pending && state_.pending->barrier.id == id) return true;
    if (state_.completed_savepoints.contains(id)) return true;  // never ours to delete (C16)
    return !WEIR_MUTANT(B8) && std::ranges::binary_search(state_.retained, id);
  }

  // Deletes what an aborted checkpoint left. A savepoint's id is held by an empty checkpoint.
  void discard(CheckpointId id) {
    emit(DiscardFiles{id});
    const auto savepoint = state_.savepoints.find(id);
    if (savepoint != state_.savepoints.end()) emit(DiscardSavepoint{savepoint->second});
  }

  bool is_stop_wanted() const {
    const auto stops = [](const SavepointRequest& each) {
      return each.mode != SavepointMode::kGoOn;
    };
    return std::ranges::any_of(state_.requests, stops) ||
           (state_.pending && state_.pending->request && stops(*state_.pending->request));
  }

  void refuse_savepoints(const Status& reason) {
    if (state_.draining) emit(AnswerSavepoint{*state_.draining, reason});
    state_.draining.reset();
    for (const SavepointRequest& each : state_.requests) emit(AnswerSavepoint{each, reason});
    state_.requests.clear();
  }

  void emit_read_back() {
    const CheckpointBarrier& barrier = state_.pending->barrier;
    emit(ReadBack{barrier.id, barrier.kind, barrier.savepoint_directory});
  }

  void read_back(const Status& reason) {
    PendingCheckpoint& pending = *state_.pending;
    if (pending.statistics.failure.is_ok()) pending.statistics.failure = reason;
    if (pending.statistics.phase == CheckpointPhase::kStoring) {
      set_phase(CheckpointPhase::kReadingBack);
      emit_read_back();
      if (WEIR_MUTANT(B10)) emit(DiscardFiles{pending.barrier.id});
      return;
    }
    const std::uint32_t doublings = std::min(pending.read_backs++, 10U);
    emit(ArmTimer{CheckpointTimer::kReadBack,
                  std::min(kReadBackDelay * (1 << doublings), kReadBackDelayMax)});
  }

  void complete() {
    const CheckpointBarrier barrier = state_.pending->barrier;
    const bool is_manual = state_.pending->is_manual;
    const std::optional<SavepointRequest> request = state_.pending->request;
    const bool is_current =
        state_.phase == AttemptPhase::kRunning && state_.pending->attempt == state_.attempt;
    end(CheckpointPhase::kCompleted, Status::ok());
    ++state_.counters.completed;
    if (request) return complete_savepoint(barrier, *request, is_current);
    state_.consecutive_failures = 0;
    state_.retained.push_back(barrier.id);
    // An ended attempt has nobody to tell: what it did not commit is committed after the restore.
    if (is_current) emit(SendComplete{state_.attempt, barrier.id});  // C5: durable by now
    discard_superfluous();
    if (is_manual) emit(AnswerManual{barrier.id});
    if (!is_current) return;
    if (barrier.kind == CheckpointKind::kFinal) {
      state_.final_checkpoint = barrier.id;
      emit(ArmTimer{CheckpointTimer::kReminder, kReminderDelay});
    } else if (options_.enabled) {
      arm(next_delay());
    }
    consider();
  }

  // C9: as many newer ones are durable.
  void discard_superfluous() {
    while (state_.retained.size() > std::max(options_.retained, 1U)) {
      emit(DiscardFiles{state_.retained.front()});
      state_.retained.erase(state_.retained.begin());
    }
  }

  void complete_savepoint(const CheckpointBarrier& barrier, const SavepointRequest& request,
                          bool is_current) {
    state_.completed_savepoints.insert(barrier.id);
    if (barrier.kind == CheckpointKind::kSavepointStop) {
      // From here on the job ends, and nothing but this savepoint is gone on from (C17).
      state_.stopped_with = {barrier.id, barrier.savepoint_directory};
      // A job may be stopped and gone on with again and again, and complete no other checkpoint.
      discard_superfluous();
      if (is_current) {
        emit(SendComplete{state_.attempt, barrier.id});
        state_.final_checkpoint = barrier.id;
        emit(ArmTimer{CheckpointTimer::kReminder, kReminderDelay});
      }
    } else {
      // Nobody commits for it, and no restart goes on from it (C16).
      if (WEIR_MUTANT(B16)) {
        if (is_current) emit(SendComplete{state_.attempt, barrier.id});
      }
      emit(DiscardFiles{barrier.id});
    }
    emit(AnswerSavepoint{request, barrier.savepoint_directory});
    if (!is_current) return;
    if (!state_.final_checkpoint && options_.enabled) arm(next_delay());
    consider();
  }

  void abort(const Status& reason, Blame blame) {
    const std::optional<SavepointRequest> request = state_.pending->request;
    const CheckpointId id = state_.pending->barrier.id;
    emit(SendAborted{state_.pending->attempt, id});
    // While it is being prepared there are no files, and the answer to that decides (B14).
    if (state_.pending->statistics.phase != CheckpointPhase::kPreparing) {
      discard(id);
      state_.leftovers.insert(id);
      if (state_.leftovers.size() > kLeftoversMax) state_.leftovers.erase(state_.leftovers.begin());
    }
    const Status failure =
        reason.with_context((request ? "savepoint " : "checkpoint ") + to_string(id) + " failed");
    if (request) emit(AnswerSavepoint{*request, failure});
    if (state_.pending->is_manual) emit(AnswerManual{failure});
    end(CheckpointPhase::kAborted, reason);
    ++state_.counters.aborted;
    if (state_.phase != AttemptPhase::kRunning || WEIR_MUTANT(B7)) return;
    if (has_ended()) {
      arm(std::max(std::min(options_.interval, kFinalRetryDelay), options_.min_pause),
          TriggerPhase::kBackingOff);
    } else if (options_.enabled) {
      arm(next_delay());
    }
    if (blame == Blame::kAttempt) return;
    if (request) {
      // A savepoint that fails is its user's business; the job goes on (C17).
      if (request->mode == SavepointMode::kDrain) return restart(failure);
      return consider();
    }
    if (++state_.consecutive_failures > options_.tolerable_failures) {
      emit(FailJob{state_.attempt, failure});  // C11
      return;
    }
    consider();
  }

  // The slot for the next checkpoint is free from here on (C7).
  void end(CheckpointPhase phase, const Status& failure) {
    CheckpointStatistics& statistics = state_.pending->statistics;
    const std::int64_t nanos = now_.monotonic_nanos - state_.pending->begun_nanos;
    statistics.duration = std::chrono::duration_cast<Duration>(std::chrono::nanoseconds{nanos});
    statistics.phase = phase;
    statistics.failure = failure;
    last_begun_nanos_ = state_.pending->begun_nanos;
    state_.history.push_back(std::move(statistics));
    if (state_.history.size() > kCheckpointHistory) state_.history.pop_front();
    state_.pending.reset();
    emit(DropTimer{CheckpointTimer::kExpiry});
    emit(DropTimer{CheckpointTimer::kReadBack});
  }

  // Interval from trigger to trigger, but at least the pause from end to trigger (C14).
  Duration next_delay() const {
    const auto taken = std::chrono::nanoseconds{now_.monotonic_nanos - last_begun_nanos_};
    return std::max(options_.interval - std::chrono::duration_cast<Duration>(taken),
                    options_.min_pause);
  }

  // Sources have ended that should not have: what has been drained is not gone on with (C18).
  void restart(const Status& reason) {
    state_.is_restart_wanted = true;
    emit(RestartJob{state_.attempt, reason});
  }

  void on_expired() {
    if (state_.draining && state_.phase == AttemptPhase::kRunning) {
      const Status reason(StatusCode::kDeadlineExceeded,
                          "the sources did not end within " + to_string(options_.timeout));
      refuse_savepoints(reason);
      return restart(reason);
    }
    if (!is_awaited()) return;
    const PendingCheckpoint& pending = *state_.pending;
    std::string text = "expired after " + to_string(options_.timeout) + " with " +
                       std::to_string(pending.snapshots.size()) + " of " +
                       std::to_string(plan_.subtasks.size()) + " subtasks";
    for (const SubtaskId subtask : plan_.subtasks) {
      if (pending.snapshots.contains(subtask)) continue;
      text += ", without " + subtask_text(plan_.graph, subtask);
      break;
    }
    abort(Status(StatusCode::kDeadlineExceeded, text), Blame::kCheckpoint);
  }

  void remind() {
    if (state_.phase != AttemptPhase::kRunning) return;
    const std::optional<CheckpointId> wanted =
        state_.final_checkpoint ? state_.final_checkpoint : state_.restored;
    if (!wanted || is_committed(plan_, state_, *wanted)) return;
    emit(SendComplete{state_.attempt, *wanted});
    emit(ArmTimer{CheckpointTimer::kReminder, kReminderDelay});
  }

  void answer_manual(Result<CheckpointId> result) {
    if (!std::exchange(state_.is_manual_wanted, false)) return;
    emit(AnswerManual{std::move(result)});
  }

  void close() {
    state_.phase = AttemptPhase::kClosed;
    emit(DropTimer{CheckpointTimer::kTrigger});
    emit(DropTimer{CheckpointTimer::kReminder});
    emit(CloseJob{state_.attempt, *state_.final_checkpoint});
  }

  const CheckpointPlan& plan_;
  const CheckpointOptions& options_;
  CheckpointProtocolState state_;
  const CheckpointInstant now_;
  std::vector<CheckpointCommand> commands_;
  std::int64_t last_begun_nanos_ = 0;  // of the checkpoint that ended in this step
};

}  // namespace

std::string subtask_text(const JobGraph& graph, SubtaskId subtask) {
  return "'" + graph.vertex(subtask.vertex).name + "' subtask " + to_string(subtask.index);
}

CheckpointPlan make_checkpoint_plan(JobGraph graph) {
  CheckpointPlan plan;
  for (const JobVertex& vertex : graph.vertices) {
    for (std::uint32_t i = 0; i < vertex.parallelism.value(); ++i) {
      plan.subtasks.push_back({vertex.id, SubtaskIndex{i}});
      for (const OperatorSpec& spec : vertex.operators) {
        if (spec.commits) plan.committers.push_back({spec.id, SubtaskIndex{i}});
      }
    }
  }
  plan.graph = std::move(graph);
  return plan;
}

CheckpointStep step(const CheckpointPlan& plan, CheckpointProtocolState state,
                    const CheckpointFact& fact, const CheckpointInstant& now) {
  Transition transition(plan, std::move(state), now);
  std::visit([&](const auto& each) { transition.on(each); }, fact);
  return std::move(transition).take();
}

bool is_committed(const CheckpointPlan& plan, const CheckpointProtocolState& state,
                  CheckpointId id) {
  return std::ranges::all_of(plan.committers, [&](const CommitterId& committer) {
    const auto found = state.committed.find(committer);
    return found != state.committed.end() && found->second >= id;
  });
}

}  // namespace weir
