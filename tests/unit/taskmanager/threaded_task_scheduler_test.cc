// SPDX-License-Identifier: Apache-2.0
// Tests of the threaded task scheduler.
#include "taskmanager/threaded_task_scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "base/thread_executor.h"
#include "tests/unit/taskmanager/subtask_fixture.h"

namespace weir {
namespace {

using testing::Behaviour;
using testing::FakeOperator;
using testing::Journal;
using testing::ProgramBuilder;

// Does what the test says in each step.
class FakeTask final : public SteppedTask {
 public:
  explicit FakeTask(std::function<StepResult()> step) : step_(std::move(step)) {}
  StepResult step(Budget&) override { return step_(); }
  std::int64_t wake_at_nanos() const override { return wake_at; }
  std::atomic<std::int64_t> wake_at{kNeverNanos};

 private:
  const std::function<StepResult()> step_;
};

class ThreadedTaskSchedulerTest : public ::testing::Test {
 protected:
  SystemClock clock;
  ThreadedTaskScheduler scheduler{clock, 2};
};

TEST_F(ThreadedTaskSchedulerTest, StepsATaskUntilItIsFinishedAndLetsGoOfIt) {
  std::promise<void> finished;
  int steps = 0;
  auto task = std::make_shared<FakeTask>([&] {
    if (++steps < 5) return StepResult::kProgress;
    finished.set_value();
    return StepResult::kFinished;
  });
  const std::weak_ptr<FakeTask> watch = task;
  scheduler.add(0, std::move(task));
  finished.get_future().wait();
  scheduler.stop();
  EXPECT_EQ(steps, 5);
  EXPECT_TRUE(watch.expired());
}

TEST_F(ThreadedTaskSchedulerTest, ABlockedTaskIsSteppedWhenItIsWoken) {
  std::promise<void> blocked, finished;
  int steps = 0;
  auto task = std::make_shared<FakeTask>([&] {
    if (++steps == 1) {
      blocked.set_value();
      return StepResult::kBlockedOnInput;
    }
    finished.set_value();
    return StepResult::kFinished;
  });
  scheduler.add(1, task);
  blocked.get_future().wait();
  task->waker().wake();
  finished.get_future().wait();
}

TEST_F(ThreadedTaskSchedulerTest, ABlockedTaskIsSteppedWhenItsTimeHasCome) {
  std::promise<void> finished;
  FakeTask* self = nullptr;
  int steps = 0;
  auto task = std::make_shared<FakeTask>([&] {
    if (++steps == 1) {
      self->wake_at = clock.monotonic_nanos() + 2'000'000;
      return StepResult::kBlockedOnOutput;
    }
    finished.set_value();
    return StepResult::kFinished;
  });
  self = task.get();
  scheduler.add(0, task);
  finished.get_future().wait();
  scheduler.stop();
  EXPECT_EQ(steps, 2);
  EXPECT_GE(task->times().back_pressured.value(), 1'000'000U);
  EXPECT_EQ(task->times().idle.value(), 0U);
}

TEST_F(ThreadedTaskSchedulerTest, TasksOfOneSlotTakeTurns) {
  std::atomic<int> first{0};
  std::promise<void> both;
  scheduler.add(0, std::make_shared<FakeTask>([&] {
                  ++first;
                  return StepResult::kProgress;
                }));
  scheduler.add(0, std::make_shared<FakeTask>([&] {
                  if (first < 3) return StepResult::kProgress;
                  both.set_value();
                  return StepResult::kFinished;
                }));
  both.get_future().wait();
  scheduler.stop();
}

TEST_F(ThreadedTaskSchedulerTest, ARemovedTaskIsNeverSteppedAgain) {
  std::atomic<bool> removed{false};
  std::atomic<int> steps{0};
  std::atomic<int> late{0};
  auto task = std::make_shared<FakeTask>([&] {
    ++steps;
    if (removed) ++late;
    return StepResult::kProgress;
  });
  scheduler.add(0, task);
  while (steps == 0) std::this_thread::yield();
  scheduler.remove(*task);
  removed = true;
  EXPECT_EQ(task.use_count(), 1);
  scheduler.stop();
  EXPECT_EQ(late, 0);
}

TEST_F(ThreadedTaskSchedulerTest, TwoTasksThatWakeEachOtherNeverFallAsleepTogether) {
  constexpr int kRounds = 20000;
  std::atomic<int> turn{0};
  std::promise<void> done;
  std::shared_ptr<FakeTask> tasks[2];
  for (int i = 0; i < 2; ++i) {
    tasks[i] = std::make_shared<FakeTask>([&, i] {
      const int now = turn.load();
      if (now >= kRounds) {
        tasks[1 - i]->waker().wake();
        return StepResult::kFinished;
      }
      if (now % 2 != i) return StepResult::kBlockedOnInput;
      if (now + 1 == kRounds) done.set_value();
      turn.store(now + 1);
      tasks[1 - i]->waker().wake();
      return StepResult::kBlockedOnInput;
    });
  }
  scheduler.add(0, tasks[0]);
  scheduler.add(1, tasks[1]);
  done.get_future().wait();
  scheduler.stop();
}

constexpr CheckpointId kFinal{100};

// Hears of two subtasks: when both have ended, acknowledged the final checkpoint, and are over.
struct TwoSubtasks final : SubtaskHost {
  void report(SubtaskReport report) override {
    const std::lock_guard lock(mutex);
    if (report.state == SubtaskState::kEnded && ++ended == 2) all_ended.set_value();
    if (report.state == SubtaskState::kFailed) failure = report.failure;
  }
  void over(const AttemptId&) override {
    const std::lock_guard lock(mutex);
    if (++num_over == 2) all_over.set_value();
  }
  void deliver(const AttemptId&, ControlMessage message) override {
    const std::lock_guard lock(mutex);
    const auto* acknowledged = std::get_if<AcknowledgeCheckpoint>(&message);
    if (acknowledged == nullptr || acknowledged->checkpoint != kFinal) return;
    if (++final_acknowledged == 2) final_taken.set_value();
  }
  void hint(SourceHint) override {}
  std::mutex mutex;
  int ended = 0;
  int num_over = 0;
  int final_acknowledged = 0;
  Status failure;
  std::promise<void> all_ended, final_taken, all_over;
};

// The real thing: two subtasks on two threads, with checkpoints' mail between, until the end.
TEST_F(ThreadedTaskSchedulerTest, SubtasksExchangeRecordsAcrossThreadsUntilTheyEnd) {
  constexpr std::int64_t kRows = 300000;
  ThreadPoolExecutor pool("test", 1);
  MemoryFileStore files;
  HeapStateBackend backend(files);
  ChannelRegistry channels;
  TwoSubtasks host;
  auto background = std::make_shared<BackgroundWork>(pool);
  const std::shared_ptr<SubtaskEnvironment> environment(
      new SubtaskEnvironment{clock, files, backend,
                             [&](const std::string& directory, const CheckpointBarrier& barrier) {
                               return std::make_unique<testing::FakeCheckpointWriter>(
                                   files, directory + "/chk-" + std::to_string(barrier.id.value()));
                             },
                             channels, background, host, MemoryBudget(std::size_t{1} << 26)});

  Journal source_journal, sink_journal;
  std::int64_t sent = 0;
  std::int64_t sum = 0;
  // Each vertex writes a journal of its own: they run on different threads.
  const Behaviour source_behaviour{
      .name = "source",
      .on_poll =
          [&](FakeOperator& self, Budget& budget) {
            for (; !budget.exhausted() && sent < kRows; budget.spend(1)) self.port().emit(++sent);
            return sent < kRows ? PollResult::kMore : PollResult::kEnded;
          },
      .kind = OperatorKind::kEnumerator};
  const Behaviour sink_behaviour{.name = "sink",
                                 .num_outputs = 0,
                                 .on_rows = [&](FakeOperator&, InputIndex, const BatchView& view) {
                                   for (const std::int64_t value : testing::values_of(view))
                                     sum += value;
                                 }};
  ProgramBuilder builder(source_journal);
  const VertexId source = builder.add(1, {source_behaviour});
  const VertexId sink = builder.add(1, {sink_behaviour});
  const auto program = std::make_shared<Program>(*builder.connect(source, sink).build());
  program->operators[sink.value()] = {
      [&] { return std::make_unique<FakeOperator>(sink_behaviour, sink_journal); }};
  std::vector<std::shared_ptr<Subtask>> subtasks;
  for (const VertexId vertex : {source, sink}) {
    const AttemptId attempt{JobId{1}, {vertex, SubtaskIndex{0}}, AttemptNumber{1}};
    subtasks.push_back(
        std::make_shared<Subtask>(environment, SubtaskSetup{attempt, program, {}, {}, "s", {}}));
    scheduler.add(vertex.value(), subtasks.back());
  }
  for (std::uint64_t id = 1; id <= 20; ++id) {
    subtasks[0]->request_checkpoint(testing::barrier(id));
    subtasks[0]->request_report();
    subtasks[1]->notify_complete(CheckpointId{id});
  }
  host.all_ended.get_future().wait();
  subtasks[0]->request_checkpoint(testing::barrier(kFinal.value(), CheckpointKind::kFinal));
  host.final_taken.get_future().wait();
  for (const auto& subtask : subtasks) subtask->request_close();
  host.all_over.get_future().wait();
  scheduler.stop();
  EXPECT_TRUE(host.failure.is_ok()) << host.failure.to_string();
  EXPECT_EQ(sum, kRows * (kRows + 1) / 2);
  EXPECT_GT(subtasks[0]->times().busy.value(), 0U);
  subtasks.clear();
  pool.stop();
  EXPECT_EQ(background->running(), 0U);
}

}  // namespace
}  // namespace weir
