// SPDX-License-Identifier: Apache-2.0
// KeyedBroadcastOperator, BroadcastOperator: two kinds of input, one map in every subtask.
#include "api/operators/broadcast_operator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

using ::testing::ElementsAre;

constexpr InputIndex kBroadcast{1};

/// A note sets, under its author, a text that readings are reported with; an empty one removes it.
class Report : public KeyedBroadcastProcessFunction<std::int64_t, Reading, Note, Note> {
 public:
  void declare(States& states) {
    count_ = states.value<std::int64_t>("count");
    texts_ = states.broadcast<Text, Text>("texts");
  }
  void process(const Reading& reading, Context& context, Output& out) {
    count_.set(count_.value_or(0) + 1);
    context.timers().register_event_time(reading.at + Duration{10});
    for (const auto& entry : texts_.entries()) {
      out.emit({entry.key, out.text("{} no {}: {}", context.key(), count_.value(), entry.value),
                reading.at});
    }
  }
  void process_broadcast(const Note& note, BroadcastContext& context, Output& out) {
    if (note.text.empty()) {
      removed_ += context.write(texts_).remove(note.author) ? 1 : 0;
    } else {
      context.write(texts_).put(note.author, note.text);
    }
    context.emit(heard, Reading{removed_, context.watermark().millis(), context.time()});
    (void)out;
  }
  void on_timer(const Timer& timer, Context& context, Output& out) {
    out.emit({"timer", out.text("{} has {}", context.key(), texts_.size()), timer.at});
  }
  OutputTag<Reading> heard{"heard"};

 private:
  std::int64_t removed_ = 0;
  ValueState<std::int64_t> count_;
  BroadcastState<Text, Text> texts_;
};

Timed<Note> note(std::string_view author, std::string_view text, std::int64_t at) {
  return {{Text::view(author), Text::view(text), EventTime(at)}, EventTime(at)};
}

OperatorFactory report(std::shared_ptr<detail::SideOutputs> sides = nullptr) {
  return [sides] {
    return std::make_unique<detail::KeyedBroadcastOperator<Reading, BySensor, Note, Report, Note>>(
        1, by_sensor(), Report(), sides);
  };
}
using Harness = OperatorHarness<Reading, Note>;

std::vector<std::string> lines(Harness& harness) {
  std::vector<std::string> lines;
  for (const auto& [row, at] : harness.take_output()) {
    EXPECT_EQ(row.at, at);
    lines.push_back(row.author.str() + ": " + row.text.str());
  }
  return lines;
}

constexpr const char* kLong = "a text that is too long to lie inside its own record";

TEST(KeyedBroadcastOperatorTest, TheKeyedSideReadsWhatTheBroadcastSideWroteInTheOrderOfKeys) {
  Harness harness(report());
  harness.process_all({reading(1, 0, 1)});
  harness.process_input<Note>(kBroadcast, {note("b", "two", 0), note("a", kLong, 0)});
  harness.process_all({reading(1, 0, 2), reading(2, 0, 3)});
  EXPECT_THAT(lines(harness), ElementsAre(std::string("a: 1 no 2: ") + kLong, "b: 1 no 2: two",
                                          std::string("a: 2 no 1: ") + kLong, "b: 2 no 1: two"));
  harness.process_input<Note>(kBroadcast, {note("a", "", 0), note("c", "", 0)});
  harness.process_all({reading(2, 0, 4)});
  EXPECT_THAT(lines(harness), ElementsAre("b: 2 no 2: two"));
  harness.advance_watermark(EventTime(11));
  EXPECT_THAT(lines(harness), ElementsAre("timer: 1 has 1"));
}

TEST(KeyedBroadcastOperatorTest, EveryKindOfStateIsThereAgainAfterARestore) {
  Harness harness(report());
  harness.process_input<Note>(kBroadcast, {note("a", kLong, 0), note("b", "two", 0)});
  harness.process_all({reading(7, 0, 1)});
  harness.restore();
  EXPECT_TRUE(harness.context().backend().unclaimed_states().empty());
  harness.process_input<Note>(kBroadcast, {note("b", "", 0)});
  harness.restore();
  (void)lines(harness);
  harness.process_all({reading(7, 0, 2)});
  harness.advance_watermark(EventTime(11));
  EXPECT_THAT(lines(harness), ElementsAre(std::string("a: 7 no 2: ") + kLong, "timer: 7 has 1"));
}

TEST(KeyedBroadcastOperatorTest, TheBroadcastSideHasSideOutputsAndKnowsTheWatermark) {
  auto sides = std::make_shared<detail::SideOutputs>();
  sides->push_back({"heard", detail::type_address<Reading>(),
                    [] { return std::make_unique<Output<Reading>>(); }});
  Harness harness(report(sides));
  harness.process_input<Note>(kBroadcast, {note("a", "one", 5)});
  harness.advance_watermark(EventTime(20));
  harness.restore();
  harness.process_input<Note>(kBroadcast, {note("a", "", 6)});
  EXPECT_THAT(harness.take_side_output<Reading>(1),
              ElementsAre(reading(0, EventTime::none().millis(), 5), reading(1, 20, 6)));
}

TEST(KeyedBroadcastOperatorTest, ASnapshotHoldsTheMapOfItsMoment) {
  Harness harness(report());
  harness.process_input<Note>(kBroadcast, {note("a", kLong, 0)});
  const auto frozen = harness.context().freeze();
  harness.process_input<Note>(kBroadcast, {note("a", "changed", 0), note("b", "new", 0)});
  harness.restart({harness.context().store(*frozen)});
  harness.process_all({reading(1, 0, 1)});
  EXPECT_THAT(lines(harness), ElementsAre(std::string("a: 1 no 1: ") + kLong));
}

TEST(KeyedBroadcastOperatorTest, KeyedStateIsOutOfReachOfTheBroadcastSide) {
  struct Wrong : Report {
    void declare(States& states) {
      Report::declare(states);
      other_ = states.value<std::int64_t>("other");
    }
    void process_broadcast(const Note&, BroadcastContext&, Output&) { other_.set(1); }
    ValueState<std::int64_t> other_;
  };
  OperatorHarness<Reading, Note> harness([] {
    return std::make_unique<detail::KeyedBroadcastOperator<Reading, BySensor, Note, Wrong, Note>>(
        1, by_sensor(), Wrong(), nullptr);
  });
  harness.process_all({reading(1, 0, 1)});
  EXPECT_DEATH(harness.process_input<Note>(kBroadcast, {note("a", "b", 0)}), "");
}

/// Lets readings pass whose sensor is in the list, and notes who was let pass.
class Gate : public BroadcastProcessFunction<Reading, Note, Reading> {
 public:
  void declare(States& states) {
    open_ = states.broadcast<std::int64_t, std::int64_t>("open");
    mine_ = states.split_list<Text>("mine");
    all_ = states.union_list<std::int64_t>("all");
  }
  void process(const Reading& reading, Context& context, Output& out) {
    if (const std::int64_t* factor = open_.get(reading.sensor)) {
      out.emit({reading.sensor, reading.value * *factor, context.watermark()});
    }
  }
  void process_broadcast(const Note& note, BroadcastContext& context, Output& out) {
    context.write(open_).update(static_cast<std::int64_t>(note.text.size()),
                                [](std::int64_t& factor) { ++factor; });
    mine_.add(note.author);
    all_.add(static_cast<std::int64_t>(note.text.size()));
    out.emit({static_cast<std::int64_t>(mine_.get().size()),
              static_cast<std::int64_t>(all_.get().size()), note.at});
  }

 private:
  BroadcastState<std::int64_t, std::int64_t> open_;
  OperatorListState<Text> mine_;
  OperatorListState<std::int64_t> all_;
};

OperatorFactory gate() {
  return [] {
    return std::make_unique<detail::BroadcastOperator<Reading, Note, Gate, Reading>>(1, Gate(),
                                                                                     nullptr);
  };
}

TEST(BroadcastOperatorTest, AStreamWithoutKeysReadsTheMap) {
  OperatorHarness<Reading, Reading> harness(gate());
  harness.process_input<Note>(kBroadcast, {note("x", "12", 0), note("y", "12", 0)});
  harness.restore();
  harness.advance_watermark(EventTime(3));
  harness.process_all({reading(1, 5, 4), reading(2, 5, 4)});
  EXPECT_THAT(harness.take_output(),
              ElementsAre(reading(1, 1, 0), reading(2, 2, 0),
                          Timed<Reading>{{2, 10, EventTime(3)}, EventTime(4)}));
}

// Takes the snapshots of subtasks and restores them at another parallelism; tells of each new
// subtask how many items its lists have, and whether it has the map.
std::vector<std::string> after_restore(OperatorHarness<Reading, Reading>& harness,
                                       const std::vector<StateHandle>& handles,
                                       std::uint32_t parallelism,
                                       std::vector<StateHandle>* snapshots = nullptr) {
  std::vector<std::string> told;
  for (std::uint32_t i = 0; i < parallelism; ++i) {
    harness.restart(handles, {.subtask = SubtaskIndex{i}, .parallelism = Parallelism{parallelism}});
    if (snapshots != nullptr) snapshots->push_back(harness.snapshot());
    (void)harness.take_output();
    harness.process_all({reading(4, 10, 0)});
    harness.process_input<Note>(kBroadcast, {note(kLong, "1234567", 0)});
    const auto rows = harness.take_output();
    EXPECT_EQ(rows.size(), 2U);
    told.push_back(std::to_string(rows[1].row.sensor - 1) + " split, " +
                   std::to_string(rows[1].row.value - 1) + " union, map " +
                   std::to_string(rows[0].row.value));
  }
  return told;
}

TEST(BroadcastOperatorTest, EverySubtaskHasTheMapAtAnyParallelism) {
  std::vector<StateHandle> handles;
  OperatorHarness<Reading, Reading> harness(gate(), {.parallelism = Parallelism{2}});
  for (std::uint32_t i = 0; i < 2; ++i) {
    harness.restart({}, {.subtask = SubtaskIndex{i}, .parallelism = Parallelism{2}});
    harness.process_input<Note>(
        kBroadcast, {note(kLong, "1234", 0), note("b", "1234", 0), note("c", "1234", 0)});
    handles.push_back(harness.snapshot());
  }
  (void)harness.take_output();
  EXPECT_THAT(after_restore(harness, handles, 2),
              ElementsAre("3 split, 6 union, map 30", "3 split, 6 union, map 30"));
  std::vector<StateHandle> three;
  EXPECT_THAT(after_restore(harness, handles, 3, &three),
              ElementsAre("2 split, 6 union, map 30", "2 split, 6 union, map 30",
                          "2 split, 6 union, map 30"));
  // Every subtask kept all items of the union list, so they have multiplied.
  EXPECT_THAT(after_restore(harness, three, 1), ElementsAre("6 split, 18 union, map 30"));
}

}  // namespace
}  // namespace weir::test
