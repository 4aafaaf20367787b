// SPDX-License-Identifier: Apache-2.0
// SortOperator.
#include "api/operators/sort_operator.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

OperatorFactory sorting() {
  return [] { return std::make_unique<detail::SortOperator<Reading, BySensor>>(by_sensor()); };
}

TEST(SortOperatorTest, ReleasesRecordsInTheOrderOfEventTime) {
  EXPECT_EQ((check_operator<Reading, Reading>(
                sorting(),
                {reading(1, 5, 30), reading(1, 6, 10), reading(1, 7, 20), watermark(19),
                 reading(1, 8, 25), reading(1, 9, 20), watermark(20), reading(1, 1, 21)},
                {reading(1, 6, 10), reading(1, 7, 20), reading(1, 9, 20), reading(1, 1, 21),
                 reading(1, 8, 25), reading(1, 5, 30)})),
            "");
}

TEST(SortOperatorTest, DropsAndCountsLateRecordsAlsoAfterARestore) {
  OperatorHarness<Reading, Reading> harness(sorting());
  harness.advance_watermark(EventTime(20));
  harness.process_all({reading(1, 5, 20), reading(1, 6, 21)});
  EXPECT_EQ(harness.metric("numLateRecordsDropped"), 1);
  harness.restore();
  harness.process_all({reading(2, 7, 20)});
  EXPECT_EQ(harness.metric("numLateRecordsDropped"), 1);
  harness.end();
  EXPECT_EQ(harness.take_output(), std::vector{reading(1, 6, 21)});
}

TEST(SortOperatorTest, GivesOneOrderWhateverTheOrderOfArrival) {
  Rng rng(7);
  std::vector<Timed<Reading>> rows;
  for (int i = 0; i < 5000; ++i) {
    rows.push_back(reading(rng.uniform_between(0, 3), rng.uniform_between(0, 5),
                           rng.uniform_between(-500, 3000)));
  }
  std::vector<Timed<Reading>> first;
  for (int run = 0; run < 3; ++run) {
    OperatorHarness<Reading, Reading> harness(sorting());
    harness.process_all(rows);
    harness.advance_watermark(EventTime(rng.uniform_between(-500, 3000)));
    harness.restore();
    harness.end();
    const auto sorted = harness.take_output();
    ASSERT_EQ(sorted.size(), rows.size());
    EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end(),
                               [](const auto& a, const auto& b) { return a.at < b.at; }));
    if (run == 0) first = sorted;
    EXPECT_EQ(sorted, first);
    for (std::size_t i = rows.size() - 1; i > 0; --i) std::swap(rows[i], rows[rng.uniform(i + 1)]);
  }
}

// What a snapshot holds must not change when records come and go while it is written.
TEST(SortOperatorTest, LeavesSnapshotsAlone) {
  OperatorHarness<Reading, Reading> harness(sorting());
  harness.process_all({reading(1, 5, 30), reading(1, 6, 40)});
  const auto frozen = harness.context().freeze();
  harness.process_all({reading(1, 7, 31)});
  harness.advance_watermark(EventTime(35));
  EXPECT_EQ(harness.take_output(), (std::vector{reading(1, 5, 30), reading(1, 7, 31)}));
  harness.restart({harness.context().store(*frozen)});
  harness.end();
  EXPECT_EQ(harness.take_output(), (std::vector{reading(1, 5, 30), reading(1, 6, 40)}));
}

TEST(SortOperatorTest, KeepsText) {
  using ByAuthor = detail::KeySelector<Note, Text Note::*>;
  const OperatorFactory make = [] {
    return std::make_unique<detail::SortOperator<Note, ByAuthor>>(ByAuthor(&Note::author));
  };
  const auto note = [](Text text, std::int64_t at) {
    return Timed<Note>{{"an author with a long name", text, EventTime(at)}, EventTime(at)};
  };
  EXPECT_EQ(
      (check_operator<Note, Note>(
          make, {note("the second of two long texts", 2), note("the first of two long texts", 1)},
          {note("the first of two long texts", 1), note("the second of two long texts", 2)})),
      "");
}

}  // namespace
}  // namespace weir::test
