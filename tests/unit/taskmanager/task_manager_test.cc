// SPDX-License-Identifier: Apache-2.0
// Tests of the task manager.
#include "taskmanager/task_manager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "base/logging.h"
#include "tests/unit/taskmanager/subtask_fixture.h"

namespace weir {
namespace {

using testing::barrier;
using testing::Behaviour;
using testing::FakeOperator;
using testing::Journal;
using testing::ProgramBuilder;

// Keeps what is sent to the JobManager and answers as the test says.
class FakeTransport final : public ControlTransport {
 public:
  void send(ControlAddress to, ControlEnvelope envelope,
            std::function<void(Status)> on_reply) override {
    if (!to.is_job_manager()) {
      ASSERT_NE(peer, nullptr);
      (void)peer->handle(envelope);
      return;
    }
    sent.push_back(std::move(envelope.message));
    if (on_reply && !is_silent) on_reply(answer);
  }
  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> found;
    for (const ControlMessage& message : sent) {
      if (const auto* one = std::get_if<Message>(&message)) found.push_back(*one);
    }
    return found;
  }

  std::vector<ControlMessage> sent;
  Status answer;
  bool is_silent = false;
  ControlHandler* peer = nullptr;
};

// Steps in turn when the test says so.
class FakeScheduler final : public TaskScheduler {
 public:
  void add(std::uint32_t, std::shared_ptr<SteppedTask> task) override { tasks.push_back(task); }
  void remove(const SteppedTask& task) override {
    std::erase_if(tasks, [&](const auto& other) { return other.get() == &task; });
  }
  void step_all() {
    for (std::size_t i = 0; i < tasks.size();) {
      Budget budget(1000);
      tasks[i]->waker().take();
      if (tasks[i]->step(budget) == StepResult::kFinished) {
        tasks.erase(tasks.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }
  std::vector<std::shared_ptr<SteppedTask>> tasks;
};

class TaskManagerTest : public ::testing::Test {
 protected:
  TaskManagerTest() {
    ProgramBuilder builder(journal);
    enumerator =
        builder.add(1, {{.name = "splits",
                         .on_poll = [](FakeOperator&, Budget&) { return PollResult::kEnded; },
                         .kind = OperatorKind::kEnumerator}});
    reader = builder.add(2, {{.name = "reader",
                              .on_open = [](FakeOperator& self) { self.context().send_hint("hi"); },
                              .on_poll = [this](FakeOperator&, Budget&) { return reader_result; },
                              .kind = OperatorKind::kSourceReader}});
    sink =
        builder.add(1, {{.name = "sink",
                         .on_rows = [](FakeOperator&, InputIndex,
                                       const BatchView&) { throw std::runtime_error("disk full"); },
                         .on_complete =
                             [](FakeOperator& self, CheckpointId checkpoint) {
                               self.context().report_committed(checkpoint);
                             }}});
    builder.connect(enumerator, reader, Partitioning::kAddressed)
        .connect(reader, sink, Partitioning::kHash);
    program = builder.build();
    manager = std::make_unique<TaskManager>(
        TaskManagerEnvironment{
            clock, executor, blocking, transport, files, backend,
            [this](const std::string& directory, const CheckpointBarrier& barrier) {
              return std::make_unique<testing::FakeCheckpointWriter>(
                  files, directory + "/chk-" + std::to_string(barrier.id.value()));
            },
            scheduler, channels, [this](JobId job) { return job == JobId{1} ? program : nullptr; }},
        TaskManagerOptions{.id = TaskManagerId{5}, .slots = 2});
    transport.peer = manager.get();
    manager->start();
    executor.run_until_idle();
  }
  ~TaskManagerTest() override {
    if (manager == nullptr) return;
    manager->stop([this] { is_stopped = true; });
    settle();
    EXPECT_TRUE(is_stopped);
  }

  Status handle(ControlMessage message, std::uint64_t epoch = 1) {
    return manager->handle({ControlAddress::job_manager(), LeaderEpoch{epoch}, std::move(message)});
  }
  DeployAttempt deployment(std::uint32_t attempt) const {
    DeployAttempt message;
    message.job = JobId{1};
    message.attempt = AttemptNumber{attempt};
    message.graph_hash = graph_hash(program->graph);
    message.checkpoint_directory = "snapshots";
    for (const auto& [vertex, index] :
         {std::pair{enumerator, 0U}, {reader, 0U}, {reader, 1U}, {sink, 0U}}) {
      const SubtaskId subtask{vertex, SubtaskIndex{index}};
      message.subtasks.push_back({subtask, index, {}});
      message.placement.push_back({subtask, TaskManagerId{5}});
    }
    return message;
  }
  AttemptId attempt_id(VertexId vertex, std::uint32_t index, std::uint32_t attempt) const {
    return {JobId{1}, {vertex, SubtaskIndex{index}}, AttemptNumber{attempt}};
  }
  // Steps and executes for a while; heartbeats go on for ever.
  void settle() {
    for (int i = 0; i < 30; ++i) {
      scheduler.step_all();
      executor.run_until_idle();
    }
  }
  // The states that the last heartbeat told of an attempt, by subtask.
  std::vector<SubtaskState> told(std::uint32_t attempt) const {
    std::vector<SubtaskState> states;
    const auto heartbeats = transport.all<Heartbeat>();
    if (heartbeats.empty()) return states;
    for (const SubtaskReport& report : heartbeats.back().subtasks) {
      if (report.attempt.attempt == AttemptNumber{attempt}) states.push_back(report.state);
    }
    return states;
  }

  ManualClock clock;
  ManualExecutor executor{clock};
  ManualBlockingExecutor blocking{executor};
  MemoryFileStore files{&clock};
  HeapStateBackend backend{files};
  ChannelRegistry channels;
  FakeTransport transport;
  FakeScheduler scheduler;
  Journal journal;
  PollResult reader_result = PollResult::kNothing;
  std::shared_ptr<const Program> program;
  VertexId enumerator, reader, sink;
  bool is_stopped = false;
  std::unique_ptr<TaskManager> manager;
};

using States = std::vector<SubtaskState>;

TEST_F(TaskManagerTest, RegistersUntilTheJobManagerAnswers) {
  ASSERT_EQ(transport.all<RegisterTaskManager>().size(), 1U);
  EXPECT_EQ(transport.all<RegisterTaskManager>()[0].slots, 2U);
  TaskManager late(
      TaskManagerEnvironment{
          clock, executor, blocking, transport, files, backend, {}, scheduler, channels, {}},
      TaskManagerOptions{.id = TaskManagerId{6}});
  transport.answer = unavailable("nobody there");
  late.start();
  executor.advance(Duration{350});
  EXPECT_EQ(transport.all<RegisterTaskManager>().size(), 4U);  // at once, after 100 and 200 ms more
  transport.answer = Status::ok();
  executor.advance(Duration{5000});
  EXPECT_EQ(transport.all<RegisterTaskManager>().size(), 5U);
  late.stop([] {});
  executor.run_until_idle();
}

TEST_F(TaskManagerTest, DeploysAnAttemptAndReportsEverySubtask) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  EXPECT_EQ(told(1), (States{SubtaskState::kEnded, SubtaskState::kRunning, SubtaskState::kRunning,
                             SubtaskState::kRunning}));
  EXPECT_EQ(manager->num_subtasks(), 4U);
}

TEST_F(TaskManagerTest, ARepeatedDeploymentChangesNothing) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  EXPECT_EQ(scheduler.tasks.size(), 4U);
}

TEST_F(TaskManagerTest, ADeploymentOfAnotherGraphIsRefused) {
  DeployAttempt message = deployment(1);
  message.graph_hash ^= 1;
  const Status status = handle(message);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("another job graph"), std::string::npos);
  EXPECT_EQ(manager->num_subtasks(), 0U);
}

TEST_F(TaskManagerTest, ADeploymentOfAnUnknownJobOrSlotIsRefused) {
  DeployAttempt message = deployment(1);
  message.job = JobId{2};
  EXPECT_EQ(handle(message).code(), StatusCode::kNotFound);
  message = deployment(1);
  message.subtasks[0].slot = 2;
  EXPECT_EQ(handle(message).code(), StatusCode::kInvalidArgument);
}

// B34.
TEST_F(TaskManagerTest, ACancelledAttemptIsNeverDeployedAgain) {
  EXPECT_TRUE(handle(CancelAttempt{JobId{1}, AttemptNumber{2}}).is_ok());
  EXPECT_EQ(handle(deployment(1)).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(handle(deployment(2)).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(handle(deployment(3)).is_ok());
}

TEST_F(TaskManagerTest, CancellingEndsTheSubtasksOnTheirOwnTurnAndTellsThatTheyEnded) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  EXPECT_TRUE(handle(CancelAttempt{JobId{1}, AttemptNumber{1}}).is_ok());
  EXPECT_EQ(manager->num_subtasks(), 4U);
  transport.is_silent = true;
  settle();
  EXPECT_EQ(manager->num_subtasks(), 0U);
  EXPECT_EQ(told(1), States(4, SubtaskState::kCancelled));
  EXPECT_TRUE(handle(CancelAttempt{JobId{1}, AttemptNumber{1}}).is_ok());
  // Told until it is known to have arrived, then forgotten.
  transport.is_silent = false;
  executor.advance(Duration{500});
  EXPECT_EQ(told(1).size(), 4U);
  executor.advance(Duration{500});
  EXPECT_EQ(told(1), States{});
}

TEST_F(TaskManagerTest, ANewerAttemptEndsTheOlderOne) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  ASSERT_TRUE(handle(deployment(2)).is_ok());
  settle();
  EXPECT_EQ(manager->num_subtasks(), 4U);
  EXPECT_EQ(handle(deployment(1)).code(), StatusCode::kFailedPrecondition);
}

TEST_F(TaskManagerTest, MessagesOfAFormerLeaderAreRefused) {
  EXPECT_TRUE(handle(deployment(1), 4).is_ok());
  EXPECT_EQ(handle(CancelAttempt{JobId{1}, AttemptNumber{1}}, 3).code(), StatusCode::kAborted);
  settle();
  EXPECT_EQ(manager->num_subtasks(), 4U);
}

TEST_F(TaskManagerTest, AStateChangeIsToldAtOnceWithItsReason) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  const std::size_t before = transport.all<Heartbeat>().size();
  const LogSink silent = set_log_sink([](const LogEntry&) {});
  reader_result = PollResult::kEnded;
  ASSERT_TRUE(handle(CancelAttempt{JobId{9}, AttemptNumber{1}}).is_ok());
  for (auto& task : scheduler.tasks) static_cast<Subtask&>(*task).request_report();
  settle();
  set_log_sink(silent);
  EXPECT_GT(transport.all<Heartbeat>().size(), before);
  EXPECT_EQ(told(1), States(4, SubtaskState::kEnded));
}

TEST_F(TaskManagerTest, CheckpointsGoThroughAllSubtasksAndTheFinalOneClosesThem) {
  reader_result = PollResult::kEnded;
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  EXPECT_EQ(told(1), States(4, SubtaskState::kEnded));
  EXPECT_TRUE(
      handle(TriggerCheckpoint{attempt_id(enumerator, 0, 1), barrier(1, CheckpointKind::kFinal)})
          .is_ok());
  settle();
  EXPECT_EQ(transport.all<AcknowledgeCheckpoint>().size(), 4U);
  EXPECT_TRUE(
      handle(NotifyCheckpointComplete{JobId{1}, AttemptNumber{1}, CheckpointId{1}}).is_ok());
  settle();
  ASSERT_EQ(transport.all<CommitReport>().size(), 1U);
  EXPECT_EQ(transport.all<CommitReport>()[0].id, OperatorId{"sink"});
  transport.is_silent = true;
  EXPECT_TRUE(handle(CloseAttempt{JobId{1}, AttemptNumber{1}}).is_ok());
  settle();
  EXPECT_EQ(told(1), States(4, SubtaskState::kClosed));
  EXPECT_EQ(channels.waiting(), 0U);
  EXPECT_EQ(handle(deployment(1)).code(), StatusCode::kFailedPrecondition);
}

TEST_F(TaskManagerTest, AnAcknowledgementIsRepeatedUntilItHasArrived) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  transport.answer = Status(StatusCode::kDeadlineExceeded, "lost");
  ASSERT_TRUE(handle(TriggerCheckpoint{attempt_id(enumerator, 0, 1), barrier(1)}).is_ok());
  settle();
  EXPECT_EQ(transport.all<AcknowledgeCheckpoint>().size(), 4U);
  executor.advance(Duration{100});
  EXPECT_EQ(transport.all<AcknowledgeCheckpoint>().size(), 8U);
  transport.answer = Status::ok();
  executor.advance(Duration{10000});
  EXPECT_EQ(transport.all<AcknowledgeCheckpoint>().size(), 12U);
}

TEST_F(TaskManagerTest, MessagesAboutAnAttemptThatHasEndedAreNotRepeated) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  transport.answer = unavailable("lost");
  ASSERT_TRUE(handle(TriggerCheckpoint{attempt_id(enumerator, 0, 1), barrier(1)}).is_ok());
  settle();
  ASSERT_TRUE(handle(CancelAttempt{JobId{1}, AttemptNumber{1}}).is_ok());
  settle();
  const std::size_t sent = transport.all<AcknowledgeCheckpoint>().size();
  executor.advance(Duration{10000});
  EXPECT_EQ(transport.all<AcknowledgeCheckpoint>().size(), sent);
}

TEST_F(TaskManagerTest, HintsReachTheEnumerator) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  // The first reader may ask before the enumerator runs: hints may be lost.
  SourceHint hint{attempt_id(enumerator, 0, 1), SubtaskIndex{1}, "more"};
  EXPECT_TRUE(handle(hint).is_ok());
  hint.enumerator.attempt = AttemptNumber{7};
  EXPECT_EQ(handle(hint).code(), StatusCode::kNotFound);
}

TEST_F(TaskManagerTest, AMessageForAJobManagerIsRefused) {
  EXPECT_EQ(handle(Heartbeat{}).code(), StatusCode::kInvalidArgument);
}

TEST_F(TaskManagerTest, ATriggerForASubtaskThatDoesNotRunHereIsRefused) {
  EXPECT_EQ(handle(TriggerCheckpoint{attempt_id(enumerator, 0, 1), barrier(1)}).code(),
            StatusCode::kNotFound);
}

// B34: a TaskManager that is cut off stops by itself.
TEST_F(TaskManagerTest, WithoutAnswersForALeaseAllSubtasksFail) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  const LogSink silent = set_log_sink([](const LogEntry&) {});
  transport.is_silent = true;
  executor.advance(Duration{29000});
  settle();
  EXPECT_EQ(told(1)[1], SubtaskState::kRunning);
  executor.advance(Duration{2000});
  settle();
  set_log_sink(silent);
  EXPECT_EQ(told(1), States(4, SubtaskState::kFailed));
}

TEST_F(TaskManagerTest, AProcessThatStoodStillAsksBeforeItGivesUp) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  clock.advance(Duration{60000});
  executor.run_until_idle();
  settle();
  EXPECT_EQ(told(1)[1], SubtaskState::kRunning);
  transport.is_silent = true;
  clock.advance(Duration{60000});
  const LogSink silent = set_log_sink([](const LogEntry&) {});
  executor.advance(Duration{2000});
  settle();
  set_log_sink(silent);
  EXPECT_EQ(told(1)[1], SubtaskState::kFailed);
}

TEST_F(TaskManagerTest, ARefusedHeartbeatLeadsToAnotherRegistration) {
  const std::size_t before = transport.all<RegisterTaskManager>().size();
  transport.answer = not_found("who are you");
  const LogSink silent = set_log_sink([](const LogEntry&) {});
  executor.advance(Duration{500});
  set_log_sink(silent);
  EXPECT_GT(transport.all<RegisterTaskManager>().size(), before);
}

TEST_F(TaskManagerTest, StoppingWaitsForSubtasksAndBackgroundWork) {
  ASSERT_TRUE(handle(deployment(1)).is_ok());
  settle();
  blocking.pause();
  ASSERT_TRUE(handle(TriggerCheckpoint{attempt_id(enumerator, 0, 1), barrier(1)}).is_ok());
  settle();
  manager->stop([this] { is_stopped = true; });
  executor.run_until_idle();
  EXPECT_EQ(handle(deployment(2)).code(), StatusCode::kFailedPrecondition);
  settle();
  EXPECT_EQ(manager->num_subtasks(), 0U);
  EXPECT_FALSE(is_stopped);
  blocking.resume();
  settle();
  EXPECT_TRUE(is_stopped);
  manager.reset();
  EXPECT_TRUE(scheduler.tasks.empty());
}

TEST_F(TaskManagerTest, AbandoningBreaksItsChannelsAndDropsEverything) {
  DeployAttempt message = deployment(1);
  message.subtasks.pop_back();  // the sink runs elsewhere
  ASSERT_TRUE(handle(message).is_ok());
  settle();
  const auto to_sink =
      channels.take_input({JobId{1}, AttemptNumber{1}, 1, SubtaskIndex{0}, SubtaskIndex{0}});
  blocking.pause();
  ASSERT_TRUE(handle(TriggerCheckpoint{attempt_id(enumerator, 0, 1), barrier(1)}).is_ok());
  settle();
  manager->abandon();
  manager.reset();
  EXPECT_TRUE(scheduler.tasks.empty());
  blocking.resume();
  executor.run_until_idle();
  EXPECT_EQ(to_sink->producer_close(), ChannelClose::kEarly);
  EXPECT_TRUE(transport.all<AcknowledgeCheckpoint>().empty());
}

TEST(TaskManagerDeathTest, DestroyingOneThatRunsAborts) {
  ManualClock clock;
  ManualExecutor executor(clock);
  ManualBlockingExecutor blocking(executor);
  MemoryFileStore files;
  HeapStateBackend backend(files);
  ChannelRegistry channels;
  FakeTransport transport;
  FakeScheduler scheduler;
  EXPECT_DEATH(
      {
        TaskManager manager(
            TaskManagerEnvironment{
                clock, executor, blocking, transport, files, backend, {}, scheduler, channels, {}},
            TaskManagerOptions{.id = TaskManagerId{6}});
        manager.start();
      },
      "check failed");
}

}  // namespace
}  // namespace weir
