// SPDX-License-Identifier: Apache-2.0
// Tests of the subtask.
#include "taskmanager/task/subtask.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/taskmanager/subtask_fixture.h"

namespace weir {
namespace {

using testing::barrier;
using testing::batch_of;
using testing::Behaviour;
using testing::FakeOperator;
using testing::Journal;
using testing::ProgramBuilder;

using Texts = std::vector<std::string>;

class SubtaskTest : public testing::SubtaskFixture {
 protected:
  // source(s) -> the operators under test -> sink, with one channel on either side per source.
  void make_transform(const std::vector<Behaviour>& chain, std::uint32_t producers = 1) {
    ProgramBuilder builder(journal);
    const VertexId source = builder.add(producers, {{.name = "source"}});
    const VertexId vertex = builder.add(1, chain);
    const VertexId sink = builder.add(1, {{.name = "sink"}});
    builder.connect(source, vertex, Partitioning::kHash)
        .connect(vertex, sink, Partitioning::kForward, 0,
                 static_cast<std::uint32_t>(chain.size()) - 1);
    make(builder.build(), vertex);
    EXPECT_EQ(run(), StepResult::kBlockedOnInput);
    journal.clear();
  }

  // enumerator -> the source under test -> sink.
  void make_source(Behaviour behaviour) {
    behaviour.kind = OperatorKind::kSourceReader;
    ProgramBuilder builder(journal);
    const VertexId enumerator =
        builder.add(1, {{.name = "splits", .kind = OperatorKind::kEnumerator}});
    const VertexId vertex = builder.add(1, {std::move(behaviour)});
    const VertexId sink = builder.add(1, {{.name = "sink"}});
    builder.connect(enumerator, vertex, Partitioning::kAddressed).connect(vertex, sink);
    make(builder.build(), vertex);
  }

  void make_enumerator(Behaviour behaviour) {
    behaviour.kind = OperatorKind::kEnumerator;
    ProgramBuilder builder(journal);
    const VertexId vertex = builder.add(1, {std::move(behaviour)});
    const VertexId reader =
        builder.add(1, {{.name = "reader", .kind = OperatorKind::kSourceReader}});
    builder.connect(vertex, reader, Partitioning::kAddressed);
    make(builder.build(), vertex);
  }

  void send_end(std::size_t input) { send(input, EndOfInput{}); }
};

// --- life ----------------------------------------------------------------------------------------

TEST_F(SubtaskTest, RestoresInTheBackgroundThenOpensTheLastOperatorFirst) {
  ProgramBuilder builder(journal);
  const VertexId vertex = builder.add(1, {{.name = "a"}, {.name = "b"}});
  make(builder.build(), vertex);
  EXPECT_EQ(step(), StepResult::kBlockedOnState);
  EXPECT_EQ(step(), StepResult::kBlockedOnState);
  executor.run_until_idle();
  EXPECT_TRUE(subtask->waker().is_signalled());
  EXPECT_EQ(step(), StepResult::kProgress);
  EXPECT_EQ(step(), StepResult::kProgress);
  EXPECT_EQ(journal, (Journal{"b.open", "a.open"}));
  EXPECT_EQ(host.states, (std::vector{SubtaskState::kRunning}));
}

TEST_F(SubtaskTest, RowsGoThroughAndAreFlushedWhenInputRunsDry) {
  make_transform({{.name = "a"}, {.name = "b"}});
  send(0, {1, 2, 3});
  EXPECT_EQ(run(), StepResult::kBlockedOnInput);
  EXPECT_EQ(journal, (Journal{"a.rows 1 2 3", "b.rows 1 2 3"}));
  EXPECT_EQ(received(), (Texts{"rows 1 2 3"}));
}

TEST_F(SubtaskTest, ReportsCountsPerOperatorWhenAsked) {
  make_transform({{.name = "a",
                   .on_open =
                       [](FakeOperator& self) {
                         self.context().metrics().counter("numLateRecordsDropped").add(4);
                         self.context().metrics().counter("bad_records", {{"x", "y"}}).add(2);
                       }},
                  {.name = "b"}});
  send(0, {1, 2, 3});
  run();
  subtask->request_report();
  run();
  ASSERT_EQ(host.last.operators.size(), 2U);
  EXPECT_EQ(host.last.operators[0].id, OperatorId{"a"});
  EXPECT_EQ(host.last.operators[0].records_in, 3U);
  EXPECT_EQ(host.last.operators[1].records_out, 3U);
  EXPECT_EQ(host.last.operators[0].late_records, 4U);
  EXPECT_EQ(host.last.operators[0].bad_records, 2U);
  EXPECT_EQ(host.last.operators[1].state_entries, 1U);
}

TEST_F(SubtaskTest, LargeBatchesAreFedInPartsAndTheBudgetEndsTheStep) {
  make_transform({{.name = "a"}});
  std::vector<std::int64_t> values(1000);
  send(0, values);
  EXPECT_EQ(step(100), StepResult::kProgress);
  EXPECT_EQ(journal.size(), 1U);
  run();
  EXPECT_EQ(journal.size(), 4U);
}

// --- failures and cancellation -------------------------------------------------------------------

TEST_F(SubtaskTest, AFailureNamesTheOperatorAndItsConsequencesWait) {
  make_transform(
      {{.name = "a"}, {.name = "b", .on_rows = [](FakeOperator&, InputIndex, const BatchView&) {
                         throw std::runtime_error("no such account");
                       }}});
  send(0, {1});
  EXPECT_EQ(run(), StepResult::kBlockedOnInput);
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
  EXPECT_EQ(host.last.failed_operator, "b");
  EXPECT_EQ(host.last.failure.message(), "operator 'b' (subtask 0): no such account");
  EXPECT_EQ(host.last.failure.domain(), ErrorDomain::kUser);
  EXPECT_TRUE(journal_has("a.close") && journal_has("b.close"));
  // Its channels stay open, so that no consumer fails before the reason is known.
  EXPECT_EQ(outputs[0]->producer_close(), ChannelClose::kOpen);
  EXPECT_EQ(host.times_over, 0);
  subtask->request_cancel();
  EXPECT_EQ(run(), StepResult::kFinished);
  EXPECT_EQ(outputs[0]->producer_close(), ChannelClose::kCancelled);
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
  EXPECT_EQ(host.times_over, 1);
}

TEST_F(SubtaskTest, AStatusErrorKeepsItsCodeDomainAndRetryHint) {
  make_transform({{.name = "a", .on_rows = [](FakeOperator&, InputIndex, const BatchView&) {
                     throw StatusError(invalid_argument("bad record"));
                   }}});
  send(0, {1});
  run();
  EXPECT_EQ(host.last.failure.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(host.last.failure.retry(), RetryHint::kNo);
}

TEST_F(SubtaskTest, MailBehindAMailThatFailsIsStillRun) {
  make_transform({{.name = "a", .on_complete = [](FakeOperator&, CheckpointId) {
                     throw std::runtime_error("commit failed");
                   }}});
  subtask->notify_complete(CheckpointId{1});
  subtask->notify_complete(CheckpointId{2});
  subtask->request_cancel();
  EXPECT_EQ(run(), StepResult::kFinished);
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
  EXPECT_EQ(std::count(journal.begin(), journal.end(), "a.complete 2"), 0);
}

TEST_F(SubtaskTest, AProducerThatIsGoneFailsTheConsumer) {
  make_transform({{.name = "a"}});
  inputs[0]->close_producer(ChannelClose::kEarly);
  run();
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
  EXPECT_EQ(host.last.failed_operator, "");
  EXPECT_NE(host.last.failure.message().find("'source' (subtask 0)"), std::string::npos);
}

TEST_F(SubtaskTest, ARestoreThatFailsNamesTheOperator) {
  ProgramBuilder builder(journal);
  const VertexId vertex = builder.add(1, {{.name = "a"}, {.name = "b"}});
  OperatorRestore restore{OperatorId{"b"}, {StateHandle{"no/such/file", "", 10, 0}}};
  make(builder.build(), vertex, 0, {restore}, CheckpointId{3});
  run();
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
  EXPECT_EQ(host.last.failed_operator, "b");
}

TEST_F(SubtaskTest, AMailboxThatOverflowsFailsTheAttemptAndCanStillBeCancelled) {
  make_transform({{.name = "a"}});
  for (std::size_t i = 0; i <= Mailbox::kCapacity; ++i) subtask->request_report();
  run();
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
  subtask->request_cancel();
  EXPECT_EQ(run(), StepResult::kFinished);
}

TEST_F(SubtaskTest, CanBeCancelledInEveryStateAndClosesWhatItOpened) {
  // How many steps are made before the cancellation: created, restoring, opening, running, blocked
  // on output, ending, ended.
  for (int point = 0; point < 9; ++point) {
    SCOPED_TRACE(point);
    ++attempt;
    host = {};
    journal.clear();
    ProgramBuilder builder(journal);
    const VertexId source = builder.add(1, {{.name = "source"}});
    const VertexId vertex = builder.add(
        1, {{.name = "a"}, {.name = "b", .on_finish = [&](FakeOperator&, Budget& budget) {
                              budget.spend(1000);
                              return point == 7 ? Progress::kMore : Progress::kDone;
                            }}});
    const VertexId sink = builder.add(1, {{.name = "sink"}});
    builder.connect(source, vertex).connect(vertex, sink, Partitioning::kForward, 0, 1);
    make(builder.build(), vertex);
    if (point >= 1) step();
    if (point >= 2) executor.run_until_idle();
    if (point >= 3) step();
    if (point >= 4) run();
    if (point == 5) {
      for (int i = 0; i < 40; ++i) {
        try_send(0, batch_of({i}));
        run();
      }
    }
    if (point >= 6) {
      try_send(0, EndOfInput{});
      for (int i = 0; i < 5; ++i) step();
    }
    subtask->request_cancel();
    subtask->request_cancel();
    subtask->request_close();
    EXPECT_EQ(run(), StepResult::kFinished);
    EXPECT_EQ(host.last.state, SubtaskState::kCancelled);
    EXPECT_EQ(host.times_over, 1);
    EXPECT_EQ(outputs[0]->producer_close(), ChannelClose::kCancelled);
    for (const std::string name : {"a", "b"}) {
      EXPECT_EQ(std::count(journal.begin(), journal.end(), name + ".open"),
                std::count(journal.begin(), journal.end(), name + ".close"));
    }
    EXPECT_EQ(environment->memory.used(), 0U);
    executor.run_until_idle();
  }
}

TEST_F(SubtaskTest, OneThatIsDroppedWithoutBeingClosedBreaksItsChannels) {
  make_transform({{.name = "a"}});
  subtask.reset();
  EXPECT_EQ(outputs[0]->producer_close(), ChannelClose::kEarly);
}

// --- mail ----------------------------------------------------------------------------------------

TEST_F(SubtaskTest, MailThatPostsMailDoesNotStarveInput) {
  std::function<void(FakeOperator&)> again = [&](FakeOperator& self) {
    self.context().post([&] { again(self); });
  };
  make_transform({{.name = "a"}});
  subtask->request_cancel();
  run();
  ++attempt;
  ProgramBuilder builder(journal);
  const VertexId source = builder.add(1, {{.name = "source"}});
  const VertexId vertex = builder.add(1, {{.name = "a", .on_open = again}});
  builder.connect(source, vertex);
  make(builder.build(), vertex);
  for (int i = 0; i < 3; ++i) {
    step();
    executor.run_until_idle();
  }
  send(0, {1});
  send(0, {2});
  for (int i = 0; i < 10; ++i) step();
  EXPECT_TRUE(journal_has("a.rows 1"));
  EXPECT_TRUE(journal_has("a.rows 2"));
}

TEST_F(SubtaskTest, MailOfOneOperatorNamesItWhenItFails) {
  make_transform({{.name = "a"},
                  {.name = "b", .on_rows = [](FakeOperator& self, InputIndex, const BatchView&) {
                     self.context().run_blocking(
                         [] { throw std::runtime_error("cannot reach it"); }, [] {});
                   }}});
  send(0, {1});
  run();
  EXPECT_EQ(host.last.failed_operator, "b");
}

TEST_F(SubtaskTest, TheResultOfBlockingWorkComesAsMailAndIsDroppedAfterTheEnd) {
  int done = 0;
  int worked = 0;
  make_transform({{.name = "a", .on_rows = [&](FakeOperator& self, InputIndex, const BatchView&) {
                     self.context().run_blocking([&] { ++worked; }, [&] { ++done; });
                   }}});
  send(0, {1});
  run();
  EXPECT_EQ(done, 1);
  send(0, {2});
  step();
  subtask->request_cancel();
  step();
  executor.run_until_idle();
  EXPECT_EQ(worked, 2);
  EXPECT_EQ(done, 1);
}

TEST_F(SubtaskTest, MailOfAnOperatorThatIsOpenIsRunThoughOthersStillOpen) {
  int done = 0;
  ProgramBuilder builder(journal);
  const VertexId vertex =
      builder.add(1, {{.name = "a"}, {.name = "b", .on_open = [&](FakeOperator& self) {
                                        self.context().run_blocking([] {}, [&] { ++done; });
                                        self.context().post([&] { ++done; });
                                      }}});
  make(builder.build(), vertex);
  step();
  executor.run_until_idle();
  step();
  EXPECT_EQ(journal, (Journal{"b.open"}));
  executor.run_until_idle();
  step();
  EXPECT_EQ(done, 2);
}

// --- event time ----------------------------------------------------------------------------------

TEST_F(SubtaskTest, WatermarksAreMergedAndPassedOn) {
  make_transform({{.name = "a"}}, 2);
  send(0, Watermark{EventTime{10}});
  send(1, Watermark{EventTime{4}});
  send(1, Watermark{EventTime{6}});
  run();
  EXPECT_EQ(journal, (Journal{"a.watermark 4", "a.watermark 6"}));
  EXPECT_EQ(received(), (Texts{"watermark 4", "watermark 6"}));
  EXPECT_EQ(host.last.watermark, EventTime::none());
  subtask->request_report();
  run();
  EXPECT_EQ(host.last.watermark, EventTime{6});
}

TEST_F(SubtaskTest, IdlenessIsPassedOnBehindRowsAndWatermark) {
  make_transform({{.name = "a"}}, 2);
  send(0, {1});
  send(0, Watermark{EventTime{10}});
  send(0, WatermarkStatus::kIdle);
  send(1, WatermarkStatus::kIdle);
  run();
  EXPECT_EQ(received(), (Texts{"rows 1", "watermark 10", "idle"}));
  send(1, WatermarkStatus::kActive);
  send(1, {2});
  run();
  EXPECT_EQ(received(), (Texts{"active", "rows 2"}));
}

TEST_F(SubtaskTest, FiringAWatermarkYieldsToMailAndKeepsRecordsBack) {
  int left = 5;
  make_transform({{.name = "a", .on_watermark = [&](FakeOperator&, Watermark, Budget& budget) {
                     budget.spend(1000);
                     return --left > 0 ? Progress::kMore : Progress::kDone;
                   }}});
  send(0, Watermark{EventTime{1}});
  send(0, {2});
  send(0, barrier(1));
  step(200);
  step(200);
  EXPECT_EQ(left, 3);
  subtask->notify_complete(CheckpointId{9});
  step(200);
  EXPECT_EQ(take_journal(),
            (Journal{"a.watermark 1", "a.watermark 1", "a.complete 9", "a.watermark 1"}));
  run();
  EXPECT_EQ(journal, (Journal{"a.watermark 1", "a.watermark 1", "a.rows 2", "a.prepare 1"}));
}

TEST_F(SubtaskTest, FiringAWatermarkStopsWhileThereIsNoRoom) {
  int fired = 0;
  make_transform({{.name = "a", .on_watermark = [&](FakeOperator& self, Watermark, Budget& budget) {
                     self.port().emit(++fired);
                     self.port().flush();
                     budget.spend(1);
                     return fired < 100 ? Progress::kMore : Progress::kDone;
                   }}});
  send(0, Watermark{EventTime{1}});
  EXPECT_EQ(run(), StepResult::kBlockedOnOutput);
  const auto capacity = static_cast<int>(LocalChannel::kCapacity);
  EXPECT_EQ(fired, capacity + 1);
  EXPECT_EQ(received().size(), LocalChannel::kCapacity);
  EXPECT_TRUE(subtask->waker().is_signalled());
  run();
  EXPECT_GT(fired, 2 * capacity);
}

// --- back pressure -------------------------------------------------------------------------------

TEST_F(SubtaskTest, InputIsNotReadWhileThereIsNoRoom) {
  make_transform({{.name = "a"}});
  std::int64_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    if (try_send(0, batch_of({sent}))) ++sent;
    run();
  }
  // Both channels are full, one batch waits in the queue between them.
  EXPECT_EQ(sent, static_cast<std::int64_t>(2 * LocalChannel::kCapacity + 1));
  EXPECT_EQ(step(), StepResult::kBlockedOnOutput);
  received();
  EXPECT_TRUE(subtask->waker().is_signalled());
  EXPECT_EQ(run(), StepResult::kBlockedOnInput);
}

TEST_F(SubtaskTest, AnOperatorThatEmitsMoreThanMemoryAllowsFailsWithItsName) {
  reset_environment(1000);
  make_transform({{.name = "a", .on_rows = [](FakeOperator& self, InputIndex, const BatchView&) {
                     for (int i = 0; i < 20000; ++i) self.port().emit(i);
                   }}});
  send(0, {1});
  run();
  EXPECT_EQ(host.last.failure.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(host.last.failed_operator, "a");
}

TEST_F(SubtaskTest, RowsWaitAtMostTheBufferTimeout) {
  make_transform({{.name = "a"}}, 2);
  // Input that emits nothing keeps the subtask busy; what was emitted before must not wait for it.
  send(0, {1});
  step(1);
  EXPECT_EQ(received(), Texts{});
  clock.advance(Duration{99});
  send(1, Watermark{EventTime{1}});
  step(1);
  EXPECT_EQ(received(), Texts{});
  clock.advance(Duration{1});
  send(1, Watermark{EventTime{2}});
  step(1);
  EXPECT_EQ(received(), (Texts{"rows 1"}));
}

// --- processing time -----------------------------------------------------------------------------

TEST_F(SubtaskTest, ProcessingTimeWakesTheSubtask) {
  ProcessingTime due = clock.now() + Duration{50};
  make_transform({{.name = "a",
                   .next_time = [&](const FakeOperator&) { return due; },
                   .on_time =
                       [&](FakeOperator& self, ProcessingTime now, Budget&) {
                         EXPECT_GE(now, due);
                         self.port().emit(1);
                         due = ProcessingTime::max();
                         return Progress::kDone;
                       }}});
  EXPECT_EQ(subtask->wake_at_nanos(), clock.monotonic_nanos() + 50'000'000);
  clock.advance(Duration{50});
  run();
  EXPECT_EQ(received(), (Texts{"rows 1"}));
  EXPECT_EQ(subtask->wake_at_nanos(), kNeverNanos);
}

// --- sources -------------------------------------------------------------------------------------

TEST_F(SubtaskTest, ASourceIsPolledWhileThereIsRoom) {
  int polled = 0;
  make_source({.name = "s", .on_poll = [&](FakeOperator& self, Budget& budget) {
                 self.port().emit(++polled);
                 self.port().flush();
                 budget.spend(1);
                 return PollResult::kMore;
               }});
  EXPECT_EQ(run(), StepResult::kBlockedOnOutput);
  EXPECT_EQ(polled, static_cast<int>(LocalChannel::kCapacity) + 1);
}

TEST_F(SubtaskTest, AReaderDrainsItsControlChannelThoughThereIsNoRoom) {
  make_source({.name = "s",
               .on_rows = [](FakeOperator&, InputIndex, const BatchView&) {},
               .on_poll =
                   [](FakeOperator& self, Budget&) {
                     self.port().emit(1);
                     self.port().flush();
                     return PollResult::kMore;
                   }});
  EXPECT_EQ(run(), StepResult::kBlockedOnOutput);
  send(0, {77});
  send(0, barrier(1));
  EXPECT_EQ(run(), StepResult::kBlockedOnOutput);
  EXPECT_TRUE(journal_has("s.rows 77"));
  EXPECT_EQ(host.all<AcknowledgeCheckpoint>().size(), 1U);
}

TEST_F(SubtaskTest, ASourceThatFoundNothingIsPolledAgainAtItsTimeOrAfterMailOrInput) {
  int polled = 0;
  FakeOperator* source = nullptr;
  make_source({.name = "s",
               .on_open = [&](FakeOperator& self) { source = &self; },
               .on_rows = [](FakeOperator&, InputIndex, const BatchView&) {},
               .on_poll =
                   [&](FakeOperator& self, Budget&) {
                     ++polled;
                     self.context().wake_at(clock.now() + Duration{30});
                     return PollResult::kNothing;
                   }});
  EXPECT_EQ(run(), StepResult::kBlockedOnInput);
  EXPECT_EQ(polled, 1);
  EXPECT_EQ(subtask->wake_at_nanos(), clock.monotonic_nanos() + 30'000'000);
  step();
  EXPECT_EQ(polled, 1);
  clock.advance(Duration{30});
  run();
  EXPECT_EQ(polled, 2);
  send(0, {1});
  run();
  EXPECT_EQ(polled, 3);
  source->context().post([] {});
  run();
  EXPECT_EQ(polled, 4);
}

TEST_F(SubtaskTest, ASourcesWatermarkIsReadAtTheIntervalAndWhenItFoundNothing) {
  std::int64_t time = 5;
  PollResult result = PollResult::kMore;
  make_source({.name = "s",
               .on_poll =
                   [&](FakeOperator&, Budget& budget) {
                     budget.spend(1000);
                     return result;
                   },
               .watermark = [&](FakeOperator&) { return Watermark{EventTime{time}}; }});
  for (int i = 0; i < 6; ++i) {
    step();
    executor.run_until_idle();
  }
  EXPECT_EQ(received(), (Texts{"watermark 5"}));
  time = 6;
  step();
  EXPECT_EQ(received(), Texts{});
  clock.advance(Duration{200});
  step();
  EXPECT_EQ(received(), (Texts{"watermark 6"}));
  time = 7;
  result = PollResult::kNothing;
  run();
  EXPECT_EQ(received(), (Texts{"watermark 7"}));
  EXPECT_EQ(subtask->wake_at_nanos(), clock.monotonic_nanos() + 200'000'000);
}

TEST_F(SubtaskTest, ASourceThatTurnsIdleSaysItsWatermarkFirstAndTurnsActiveBeforeTheNext) {
  std::int64_t time = 5;
  WatermarkStatus status = WatermarkStatus::kIdle;
  make_source({.name = "s",
               .watermark = [&](FakeOperator&) { return Watermark{EventTime{time}}; },
               .status = [&](FakeOperator&) { return status; }});
  run();
  EXPECT_EQ(received(), (Texts{"watermark 5", "idle"}));
  time = 9;
  status = WatermarkStatus::kActive;
  clock.advance(Duration{200});
  run();
  EXPECT_EQ(received(), (Texts{"active", "watermark 9"}));
}

TEST_F(SubtaskTest, WatermarksOfTheControlChannelMeanNothingToAReader) {
  make_source({.name = "s"});
  send(0, Watermark{EventTime{50}});
  send(0, WatermarkStatus::kIdle);
  run();
  EXPECT_EQ(received(), Texts{});
}

TEST_F(SubtaskTest, AReaderEndsWhenItHasReadItsSplitsNotWhenItsInputEnds) {
  bool may_end = false;
  make_source({.name = "s", .on_poll = [&](FakeOperator&, Budget&) {
                 return may_end ? PollResult::kEnded : PollResult::kNothing;
               }});
  send_end(0);
  run();
  EXPECT_TRUE(journal_has("s.end 0"));
  EXPECT_EQ(received(), Texts{});
  may_end = true;
  subtask->request_report();
  run();
  EXPECT_EQ(received(), (Texts{"end"}));
  EXPECT_EQ(host.last.state, SubtaskState::kEnded);
}

// --- enumerators ---------------------------------------------------------------------------------

TEST_F(SubtaskTest, AnEnumeratorStartsBarriersAndTakesHints) {
  make_enumerator({.name = "e", .on_hint = [](FakeOperator& self, SubtaskIndex, std::string_view) {
                     self.port().emit(5);
                   }});
  run();
  subtask->deliver_hint(SubtaskIndex{0}, "more");
  subtask->request_checkpoint(barrier(1));
  run();
  EXPECT_EQ(received(), (Texts{"rows 5", "barrier 1"}));
  EXPECT_TRUE(journal_has("e.hint 0 more"));
  EXPECT_EQ(host.all<AcknowledgeCheckpoint>().size(), 1U);
}

// B9: a burst of triggers that waited on a slow subtask.
TEST_F(SubtaskTest, OfSeveralTriggersTheNewestCountsAndOldOnesAreDropped) {
  make_enumerator({.name = "e"});
  run();
  for (std::uint64_t id = 1; id <= 5; ++id) subtask->request_checkpoint(barrier(id));
  subtask->request_checkpoint(barrier(3));
  run();
  EXPECT_EQ(received(), (Texts{"barrier 5"}));
  subtask->request_checkpoint(barrier(4));
  subtask->request_checkpoint(barrier(5));
  run();
  EXPECT_EQ(received(), Texts{});
}

TEST_F(SubtaskTest, ATriggerThatWasAbortedDoesNotStart) {
  make_enumerator({.name = "e"});
  run();
  subtask->request_checkpoint(barrier(1));
  subtask->notify_aborted(CheckpointId{1});
  run();
  EXPECT_EQ(received(), Texts{});
}

TEST_F(SubtaskTest, ATriggerBeforeItRunsIsDeclined) {
  make_enumerator({.name = "e"});
  subtask->request_checkpoint(barrier(1));
  step();
  ASSERT_EQ(host.all<DeclineCheckpoint>().size(), 1U);
  EXPECT_EQ(host.all<DeclineCheckpoint>()[0].checkpoint, CheckpointId{1});
}

TEST_F(SubtaskTest, HintsCarryTheEnumeratorsAttempt) {
  make_source(
      {.name = "s", .on_open = [](FakeOperator& self) { self.context().send_hint("please"); }});
  run();
  ASSERT_EQ(host.hints.size(), 1U);
  EXPECT_EQ(host.hints[0].enumerator, attempt_of(VertexId{0}));
  EXPECT_EQ(host.hints[0].payload, "please");
}

// --- end of input --------------------------------------------------------------------------------

TEST_F(SubtaskTest, WhenAllInputHasEndedTimeEndsOperatorsFinishAndTheEndIsPassedOn) {
  make_transform({{.name = "a",
                   .on_finish =
                       [](FakeOperator& self, Budget&) {
                         self.port().emit(9);
                         return Progress::kDone;
                       }}},
                 2);
  send(0, Watermark{EventTime{3}});
  send_end(0);
  run();
  EXPECT_EQ(received(), Texts{});
  send(1, Watermark{EventTime{4}});
  send_end(1);
  EXPECT_EQ(run(), StepResult::kBlockedOnInput);
  EXPECT_EQ(received(), (Texts{"watermark 4", "rows 9", "end"}));
  EXPECT_EQ(journal, (Journal{"a.watermark 4", "a.end 0", "a.watermark max", "a.finish"}));
  EXPECT_EQ(host.last.state, SubtaskState::kEnded);
}

// B23: what comes after the end is part of the final checkpoint, and only then it closes.
TEST_F(SubtaskTest, AnEndedSubtaskTakesPartInCheckpointsUntilItIsClosed) {
  make_transform({{.name = "a"}}, 2);
  send_end(0);
  send_end(1);
  EXPECT_EQ(run(), StepResult::kBlockedOnInput);
  received();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    const auto kind = id == 3 ? CheckpointKind::kFinal : CheckpointKind::kCheckpoint;
    send(0, barrier(id, kind));
    send(1, barrier(id, kind));
    EXPECT_EQ(run(), StepResult::kBlockedOnInput);
    EXPECT_EQ(received(), (Texts{"barrier " + std::to_string(id)}));
    EXPECT_EQ(host.all<AcknowledgeCheckpoint>().size(), id);
    subtask->notify_complete(CheckpointId{id});
    run();
    EXPECT_TRUE(journal_has("a.complete " + std::to_string(id)));
  }
  // The final checkpoint has passed: a producer may be closed before us.
  inputs[0]->close_producer(ChannelClose::kEarly);
  EXPECT_EQ(run(), StepResult::kBlockedOnInput);
  subtask->request_close();
  EXPECT_EQ(run(), StepResult::kFinished);
  EXPECT_EQ(host.last.state, SubtaskState::kClosed);
  EXPECT_EQ(journal.back(), "a.close");
}

TEST_F(SubtaskTest, AProducerThatClosesBeforeTheFinalCheckpointIsAFailure) {
  make_transform({{.name = "a"}});
  send_end(0);
  send(0, barrier(1));
  run();
  inputs[0]->close_producer(ChannelClose::kEarly);
  run();
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
}

TEST_F(SubtaskTest, AnEndThatCompletesAnAlignmentIsSnapshottedBeforeItTakesEffect) {
  make_transform({{.name = "a"}}, 2);
  send(0, barrier(1));
  send(0, {5});
  send_end(1);
  send(1, barrier(1));
  run();
  EXPECT_EQ(journal, (Journal{"a.prepare 1", "a.rows 5"}));
  EXPECT_EQ(host.all<AcknowledgeCheckpoint>().size(), 1U);
}

TEST_F(SubtaskTest, RecordsAfterTheEndAreAFailure) {
  make_transform({{.name = "a"}});
  send_end(0);
  send(0, {1});
  run();
  EXPECT_EQ(host.last.state, SubtaskState::kFailed);
}

// --- restore -------------------------------------------------------------------------------------

TEST_F(SubtaskTest, AnEndedSubtaskThatIsRestoredEndsAgainAndEmitsOnlyWhatIsInState) {
  const Behaviour sum{.name = "sum",
                      .on_rows =
                          [](FakeOperator& self, InputIndex, const BatchView& view) {
                            for (const std::int64_t value : testing::values_of(view)) {
                              self.number().value += value;
                            }
                          },
                      .on_finish =
                          [](FakeOperator& self, Budget&) {
                            if (self.number().value != 0) self.port().emit(self.number().value);
                            self.number().value = 0;
                            return Progress::kDone;
                          }};
  make_transform({sum});
  send(0, {1, 2, 3});
  send(0, barrier(1));
  send_end(0);
  send(0, barrier(2));
  run();
  EXPECT_EQ(received(), (Texts{"barrier 1", "rows 6", "end", "barrier 2"}));
  const auto acknowledged = host.all<AcknowledgeCheckpoint>();
  ASSERT_EQ(acknowledged.size(), 2U);
  subtask->request_cancel();
  run();

  // From checkpoint 1 the sum comes again, from checkpoint 2 it does not.
  for (const std::size_t from : {0U, 1U}) {
    ++attempt;
    host = {};
    const OperatorSnapshot& snapshot = acknowledged[from].snapshot.operators.at(0);
    ProgramBuilder builder(journal);
    const VertexId source = builder.add(1, {{.name = "source"}});
    const VertexId vertex = builder.add(1, {sum});
    const VertexId sink = builder.add(1, {{.name = "sink"}});
    builder.connect(source, vertex).connect(vertex, sink);
    make(builder.build(), vertex, 0, {{snapshot.id, {snapshot.handle}}}, CheckpointId{from + 1});
    run();
    send_end(0);
    send(0, barrier(from + 1));  // of the checkpoint restored from: stale
    send(0, barrier(3));
    run();
    EXPECT_EQ(received(),
              from == 0 ? (Texts{"rows 6", "end", "barrier 3"}) : (Texts{"end", "barrier 3"}));
    EXPECT_EQ(host.all<AcknowledgeCheckpoint>().size(), 1U);
    subtask->request_cancel();
    run();
  }
}

}  // namespace
}  // namespace weir
