// SPDX-License-Identifier: Apache-2.0
// ProcessOperator: functions with state and timers.
#include "api/operators/process_operator.h"

#include <gtest/gtest.h>

#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

using namespace std::chrono_literals;

template <class F>
OperatorFactory process(F function, std::shared_ptr<detail::SideOutputs> sides = nullptr) {
  using Out = typename detail::ProcessTypesOf<F>::Out;
  return [function, sides] {
    return std::make_unique<detail::ProcessOperator<Reading, BySensor, F, Out>>(by_sensor(),
                                                                                function, sides);
  };
}

/// Emits the sum of a key when no reading came for 10 ms of event time.
class SumUntilQuiet : public KeyedProcessFunction<std::int64_t, Reading, Reading> {
 public:
  void declare(States& states) {
    sum_ = states.value<std::int64_t>("sum");
    timer_ = states.value<EventTime>("timer");
  }
  void process(const Reading& reading, Context& context, Output&) {
    if (timer_.has_value()) context.timers().delete_event_time(timer_.value());
    timer_.set(reading.at + 10ms);
    context.timers().register_event_time(timer_.value());
    sum_.set(sum_.value_or(0) + reading.value);
  }
  void on_timer(const Timer& timer, Context& context, Output& out) {
    EXPECT_EQ(timer.domain, TimeDomain::kEventTime);
    EXPECT_EQ(timer.at, timer_.value());
    out.emit({context.key(), sum_.value(), timer.at});
    sum_.clear();
    timer_.clear();
  }

 private:
  ValueState<std::int64_t> sum_;
  ValueState<EventTime> timer_;
};

TEST(ProcessOperatorTest, FiresTimersInTheOrderOfTimeUnderTheirOwnKey) {
  EXPECT_EQ((check_operator<Reading, Reading>(
                process(SumUntilQuiet()),
                {reading(1, 5, 100), reading(2, 7, 90), reading(3, 1, 95), watermark(101),
                 reading(1, 6, 105), watermark(109), reading(2, 8, 112), watermark(120)},
                {reading(2, 7, 100), reading(3, 1, 105), reading(1, 11, 115), reading(2, 8, 122)})),
            "");
}

/// Registers timers from within timers.
class Chain : public KeyedProcessFunction<std::int64_t, Reading, Reading> {
 public:
  void process(const Reading& reading, Context& context, Output&) {
    context.timers().register_event_time(reading.at);
  }
  void on_timer(const Timer& timer, Context& context, Output& out) {
    out.emit({context.key(), context.watermark().millis(), timer.at});
    if (timer.at < EventTime(50)) context.timers().register_event_time(timer.at + 20ms);
  }
};

TEST(ProcessOperatorTest, FiresTimersThatTimersRegisterBeforeTheWatermarkGoesOn) {
  EXPECT_EQ(
      (check_operator<Reading, Reading>(
          process(Chain()), {reading(1, 0, 10), reading(2, 0, 25), watermark(40)},
          {reading(1, 40, 10), reading(2, 40, 25), reading(1, 40, 30),
           reading(2, EventTime::max().millis(), 45), reading(1, EventTime::max().millis(), 50),
           reading(2, EventTime::max().millis(), 65)})),
      "");
}

TEST(ProcessOperatorTest, FiresATimerOfThePastWithTheNextWatermark) {
  OperatorHarness<Reading, Reading> harness(process(Chain()));
  harness.advance_watermark(EventTime(1000));
  harness.process_all({reading(1, 0, 60)});
  EXPECT_TRUE(harness.take_output().empty());
  harness.advance_watermark(EventTime(1001));
  EXPECT_EQ(harness.take_output(), std::vector{reading(1, 1001, 60)});
}

/// Tells the watermark with every record.
class Watermarks : public KeyedProcessFunction<std::int64_t, Reading, Reading> {
 public:
  void process(const Reading& reading, Context& context, Output& out) {
    out.emit({context.key(), context.watermark().millis(), context.time()});
    (void)reading;
  }
};

TEST(ProcessOperatorTest, KnowsTheWatermarkAgainAfterARestore) {
  OperatorHarness<Reading, Reading> harness(process(Watermarks()));
  harness.process_all({reading(1, 0, 5)});
  harness.advance_watermark(EventTime(70));
  harness.restore();
  harness.process_all({reading(1, 0, 6)});
  EXPECT_EQ(harness.take_output(),
            (std::vector{reading(1, EventTime::none().millis(), 5), reading(1, 70, 6)}));
}

/// Tells how many readings of a key came within 10 ms of processing time, and the values in them.
class CountRecent : public KeyedProcessFunction<std::int64_t, Reading, Reading> {
 public:
  void declare(States& states) {
    count_ = states.value<std::int64_t>("count", Ttl(10ms));
    values_ = states.list<std::int64_t>("values", Ttl(10ms));
    seen_ = states.map<std::int64_t, std::int64_t>("seen", Ttl(10ms));
  }
  void process(const Reading& reading, Context& context, Output& out) {
    count_.update([](std::int64_t& count) { ++count; });
    values_.add(reading.value);
    seen_.update(reading.value, [](std::int64_t& count) { ++count; });
    std::int64_t sum = 0;
    for (const std::int64_t value : values_.get()) sum += value;
    out.emit({context.key(), 10000 * count_.value() + 1000 * *seen_.get(reading.value) + sum,
              reading.at});
  }

 private:
  ValueState<std::int64_t> count_;
  ListState<std::int64_t> values_;
  MapState<std::int64_t, std::int64_t> seen_;
};

TEST(ProcessOperatorTest, StateWithATimeToLiveGoesByTheClockOfTheHost) {
  OperatorHarness<Reading, Reading> harness(process(CountRecent()));
  harness.process_all({reading(1, 3, 5), reading(1, 3, 6), reading(2, 4, 6)});
  harness.advance_clock(9ms);
  harness.restore();
  harness.process_all({reading(1, 5, 7)});
  harness.advance_clock(1ms);
  harness.process_all({reading(1, 3, 8), reading(2, 4, 9)});
  EXPECT_EQ(harness.take_output(),
            (std::vector{reading(1, 11003, 5), reading(1, 22006, 6), reading(2, 11004, 6),
                         reading(1, 31011, 7), reading(1, 41008, 8), reading(2, 11004, 9)}));
  EXPECT_EQ((check_operator<Reading, Reading>(
                process(CountRecent()), {reading(1, 3, 5), reading(2, 4, 5), reading(1, 3, 6)},
                {reading(1, 11003, 5), reading(2, 11004, 5), reading(1, 22006, 6)})),
            "");
}

/// Fires by the wall clock, twice.
class Remind : public KeyedProcessFunction<std::int64_t, Reading, Reading> {
 public:
  void declare(States& states) { asked_ = states.value<std::int64_t>("asked"); }
  void process(const Reading& reading, Context& context, Output&) {
    asked_.set(reading.value);
    context.timers().register_processing_time(context.now() + 100ms);
    context.timers().register_processing_time(context.now() + 100ms);
  }
  void on_timer(const Timer& timer, Context& context, Output& out) {
    EXPECT_EQ(timer.domain, TimeDomain::kProcessingTime);
    EXPECT_LE(timer.due, context.now());
    EXPECT_TRUE(context.time().is_none());
    out.emit({context.key(), asked_.value(), EventTime(0)});
  }

 private:
  ValueState<std::int64_t> asked_;
};

TEST(ProcessOperatorTest, FiresProcessingTimeTimersOnceWhenTheyAreDue) {
  const auto row = [](std::int64_t sensor, std::int64_t value) {
    return Timed<Reading>{{sensor, value, EventTime(0)}, EventTime::none()};
  };
  EXPECT_EQ((check_operator<Reading, Reading>(
                process(Remind()),
                {reading(1, 5, 1), Duration{50}, reading(2, 6, 2), Duration{49}, watermark(1000),
                 Duration{1}, Duration{50}, Duration{1000}},
                {row(1, 5), row(2, 6)})),
            "");
}

TEST(ProcessOperatorTest, FiresOverdueProcessingTimeTimersAfterARestore) {
  OperatorHarness<Reading, Reading> harness(process(Remind()));
  harness.process_all({reading(1, 5, 1)});
  const StateHandle snapshot = harness.snapshot();
  harness.world().clock.advance(1h);
  harness.restart({snapshot});
  EXPECT_LE(harness.op().next_processing_time(), harness.world().clock.now());
  harness.advance_clock(0ms);
  EXPECT_EQ(harness.take_output().size(), 1U);
}

/// Splits readings by sign.
class Split : public KeyedProcessFunction<std::int64_t, Reading, Note> {
 public:
  void process(const Reading& reading, Context& context, Output& out) {
    if (reading.value < 0) context.emit(negative, reading);
    context.emit(unread, reading);
    out.emit({"the author", out.text("{} is the value of a reading", reading.value), reading.at});
  }
  OutputTag<Reading> negative{"negative"};
  OutputTag<Reading> unread{"unread"};
};

TEST(ProcessOperatorTest, WritesSideOutputsThatSomebodyReads) {
  auto sides = std::make_shared<detail::SideOutputs>();
  sides->push_back({"negative", detail::type_address<Reading>(),
                    [] { return std::make_unique<Output<Reading>>(); }});
  OperatorHarness<Reading, Note> harness(process(Split(), sides));
  harness.process_all({reading(1, 5, 1), reading(1, -6, 2)});
  EXPECT_EQ(harness.take_side_output<Reading>(1), std::vector{reading(1, -6, 2)});
  const auto notes = harness.take_output();
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[1].row.text, "-6 is the value of a reading");
}

/// Counts how often it was opened.
class Opened : public KeyedProcessFunction<std::int64_t, Reading, Reading> {
 public:
  void open(OpenContext& context) { subtask_ = context.info().subtask.value() + 1; }
  void process(const Reading& reading, Context&, Output& out) {
    out.emit({subtask_, reading.value, reading.at});
  }

 private:
  std::int64_t subtask_ = 0;
};

TEST(ProcessOperatorTest, OpensTheFunctionBeforeTheFirstRecord) {
  OperatorHarness<Reading, Reading> harness(
      process(Opened()), {.subtask = SubtaskIndex{3}, .parallelism = Parallelism{4}});
  harness.process_all({reading(1, 5, 1)});
  EXPECT_EQ(harness.take_output(), std::vector{reading(4, 5, 1)});
}

TEST(ProcessOperatorTest, DeclaresStatesTimersAndFiredWatermarks) {
  const detail::Transformation transformation =
      detail::process_transformation<Reading, BySensor, Reading>("id", by_sensor(),
                                                                 SumUntilQuiet());
  std::vector<std::string> names;
  for (const StateDescriptor& state : transformation.states) names.push_back(state.name);
  EXPECT_EQ(names, (std::vector<std::string>{"sum", "timer", "event-time-timers",
                                             "processing-time-timers", "fired-watermarks"}));
  // What is announced is what is registered: the backend finds everything claimed.
  OperatorHarness<Reading, Reading> harness(process(SumUntilQuiet()));
  harness.process_all({reading(1, 5, 1)});
  harness.restore();
  EXPECT_TRUE(harness.context().backend().unclaimed_states().empty());
}

}  // namespace
}  // namespace weir::test
