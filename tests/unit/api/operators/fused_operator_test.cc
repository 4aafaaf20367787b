// SPDX-License-Identifier: Apache-2.0
// FusedOperator.
#include "api/operators/fused_operator.h"

#include <gtest/gtest.h>

#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

template <class In, class Out, class... Steps>
OperatorFactory fused(Steps... steps) {
  return [tuple = std::tuple<Steps...>(steps...)] {
    return std::make_unique<detail::FusedOperator<In, Out, Steps...>>(tuple);
  };
}
template <class F>
detail::MapStep<F> map(F f) {
  return {f};
}
template <class F>
detail::FilterStep<F> filter(F f) {
  return {f};
}
template <class Out, class F>
detail::FlatMapStep<Out, F> flat_map(F f) {
  return {f};
}

TEST(FusedOperatorTest, RunsStepsInOrderAndKeepsEventTimes) {
  const auto make =
      fused<Reading, std::int64_t>(filter([](const Reading& r) { return r.value % 2 == 0; }),
                                   map([](const Reading& r) { return r.value * 10; }),
                                   filter([](const std::int64_t& v) { return v != 40; }));
  EXPECT_EQ((check_operator<Reading, std::int64_t>(
                make, {reading(1, 1, 5), reading(1, 2, 6), reading(1, 4, 7), reading(1, 6, 3)},
                {{20, EventTime(6)}, {60, EventTime(3)}})),
            "");
}

TEST(FusedOperatorTest, CountsWhatFiltersAndFlatMapsLetThrough) {
  OperatorHarness<Reading, std::int64_t> harness(
      fused<Reading, std::int64_t>(filter([](const Reading& r) { return r.value > 0; }),
                                   flat_map<std::int64_t>([](const Reading& r, auto& out) {
                                     for (std::int64_t i = 0; i < r.value; ++i) out.emit(i);
                                   }),
                                   map([](const std::int64_t& v) { return v; })));
  harness.process_all({reading(1, 0, 1), reading(1, 3, 2), reading(1, 2, 3)});
  std::map<std::string, std::int64_t> counts;
  for (const MetricSample& sample : harness.context().metrics().snapshot()) {
    ASSERT_EQ(sample.name, "numStepRecordsOut");
    counts[sample.labels.at("step")] = sample.value;
  }
  EXPECT_EQ(counts, (std::map<std::string, std::int64_t>{{"0 filter", 2}, {"1 flat_map", 5}}));
  EXPECT_EQ(harness.op().outputs()[0]->records_out(), 5U);
}

TEST(FusedOperatorTest, EmitsManyBatchesFromOne) {
  OperatorHarness<std::int64_t, std::int64_t> harness(fused<std::int64_t, std::int64_t>(
      flat_map<std::int64_t>([](const std::int64_t& n, auto& out) {
        for (std::int64_t i = 0; i < n; ++i) out.emit(i);
      })));
  harness.process(10'000, EventTime(9));
  const auto rows = harness.take_output();
  ASSERT_EQ(rows.size(), 10'000U);
  for (std::int64_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ(rows[static_cast<std::size_t>(i)], (Timed<std::int64_t>{i, EventTime(9)}));
  }
}

TEST(FusedOperatorTest, KeepsTextOfTheInputAndTextMadeOnTheWay) {
  const auto make = fused<Note, Note>(
      map([](const Note& note, TextMaker& text) {
        return Note{note.author, text.text("<{}>, written on the way", note.text), note.at};
      }),
      filter([](const Note& note) { return !note.author.empty(); }),
      map([](const Note& note, TextMaker& text) {
        return Note{text.text("{} the long-named author", note.author), note.text, note.at};
      }));
  const Timed<Note> first{{"Ada", "a text that is longer than twelve bytes", EventTime(1)},
                          EventTime(1)};
  const Timed<Note> second{{"", "nobody wrote this rather long text", EventTime(2)}, EventTime(2)};
  const Timed<Note> expected{
      {"Ada the long-named author", "<a text that is longer than twelve bytes>, written on the way",
       EventTime(1)},
      EventTime(1)};
  EXPECT_EQ((check_operator<Note, Note>(make, {first, second}, {expected})), "");
}

// The text of one call stays valid when the batch it began in is full and gone.
TEST(FusedOperatorTest, KeepsTextAcrossABatchThatFillsUp) {
  OperatorHarness<std::int64_t, Note> harness(
      fused<std::int64_t, Note>(flat_map<Note>([](const std::int64_t& n, auto& out) {
        const Text text = out.text("{} copies of a text that does not fit inside", n);
        for (std::int64_t i = 0; i < n; ++i) out.emit(Note{"me", text, EventTime(i)});
      })));
  harness.process(3000, EventTime(1));
  for (const auto& note : harness.take_output()) {
    ASSERT_EQ(note.row.text, "3000 copies of a text that does not fit inside");
  }
}

struct Owner {
  std::string name;
};
WEIR_RECORD(Owner, name)

TEST(FusedOperatorTest, MovesRowsOnlyOutOfABatchThatNobodyElseHolds) {
  const auto make = fused<Owner, Owner>(filter([](const Owner&) { return true; }));
  const std::unique_ptr<Operator> op = make();
  struct : BatchConsumer {
    void consume(BatchPtr batch) override { last = std::move(batch); }
    BatchPtr last;
  } sink;
  op->outputs()[0]->connect(sink);
  TypedBatch<Owner> batch;
  batch.append(EventTime(1), std::string(100, 'x'));

  op->process_batch(InputIndex{0}, {batch, 0, 1, false});
  EXPECT_EQ(batch.rows()[0].name.size(), 100U);
  op->process_batch(InputIndex{0}, {batch, 0, 1, true});
  EXPECT_EQ(batch.rows()[0].name.size(), 0U);
  op->outputs()[0]->flush();
  ASSERT_EQ(sink.last->size(), 2U);
}

TEST(FusedOperatorTest, LeavesAFullOutputUsableWhenAFunctionThrows) {
  const auto make = fused<std::int64_t, Owner>(map([](const std::int64_t& n) {
    if (n == 2) throw std::runtime_error("two");
    return Owner{std::string(50, 'x')};
  }));
  const std::unique_ptr<Operator> op = make();
  TypedBatch<std::int64_t> batch;
  for (std::int64_t n = 0; n < 3; ++n) batch.append(EventTime(n), n);
  EXPECT_THROW(op->process_batch(InputIndex{0}, {batch, 0, 3, true}), std::runtime_error);
  EXPECT_EQ(op->outputs()[0]->records_out(), 2U);
}

TEST(FusedOperatorTest, MapsByMemberPointer) {
  const auto make = fused<Reading, std::int64_t>(map(&Reading::value));
  EXPECT_EQ((check_operator<Reading, std::int64_t>(make, {reading(1, 7, 5)}, {{7, EventTime(5)}})),
            "");
}

}  // namespace
}  // namespace weir::test
