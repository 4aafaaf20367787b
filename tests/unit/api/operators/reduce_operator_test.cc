// SPDX-License-Identifier: Apache-2.0
// ReduceOperator.
#include "api/operators/reduce_operator.h"

#include <gtest/gtest.h>

#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

TEST(ReduceOperatorTest, EmitsTheFoldOfEachKeyForEveryRecord) {
  const auto sum = [](const Reading& so_far, const Reading& next) {
    return Reading{so_far.sensor, so_far.value * 10 + next.value, next.at};
  };
  const OperatorFactory make = [sum] {
    return std::make_unique<detail::ReduceOperator<Reading, BySensor, decltype(sum)>>(by_sensor(),
                                                                                      sum);
  };
  EXPECT_EQ((check_operator<Reading, Reading>(
                make, {reading(1, 1, 10), reading(2, 5, 11), reading(1, 2, 12), reading(1, 3, 9)},
                {reading(1, 1, 10), reading(2, 5, 11), reading(1, 12, 12), reading(1, 123, 9)})),
            "");
}

TEST(ReduceOperatorTest, KeepsTextInItsState) {
  const auto longer = [](const Note& a, const Note& b) {
    return a.text.size() > b.text.size() ? a : b;
  };
  using ByAuthor = detail::KeySelector<Note, Text Note::*>;
  const OperatorFactory make = [longer] {
    return std::make_unique<detail::ReduceOperator<Note, ByAuthor, decltype(longer)>>(
        ByAuthor(&Note::author), longer);
  };
  const auto note = [](Text author, Text text, std::int64_t at) {
    return Timed<Note>{{author, text, EventTime(at)}, EventTime(at)};
  };
  const auto first = note("an author with a long name", "some text that is long", 1);
  const auto second = note("an author with a long name", "short", 2);
  const auto third = note("an author with a long name", "some text that is longer still", 3);
  const Timed<Note> kept{first.row, EventTime(2)};
  EXPECT_EQ((check_operator<Note, Note>(make, {first, second, third}, {first, kept, third})), "");
}

TEST(ReduceOperatorTest, MovesStateToTheSubtaskThatOwnsTheKey) {
  const auto sum = [](const Reading& a, const Reading& b) {
    return Reading{a.sensor, a.value + b.value, b.at};
  };
  const OperatorFactory make = [sum] {
    return std::make_unique<detail::ReduceOperator<Reading, BySensor, decltype(sum)>>(by_sensor(),
                                                                                      sum);
  };
  OperatorHarness<Reading, Reading> one(make);
  for (std::int64_t sensor = 0; sensor < 50; ++sensor) {
    one.process_all({reading(sensor, 1, sensor)});
  }
  const StateHandle snapshot = one.snapshot();
  std::size_t kept = 0;
  for (std::uint32_t subtask = 0; subtask < 3; ++subtask) {
    OperatorHarness<Reading, Reading> part(make);
    part.restart({snapshot}, {.subtask = SubtaskIndex{subtask}, .parallelism = Parallelism{3}});
    kept += part.context().backend().entry_count();
    for (std::int64_t sensor = 0; sensor < 50; ++sensor) {
      const KeyGroupId group = key_group_of(key_hash(sensor), MaxParallelism{128});
      if (!part.context().info().key_groups.contains(group)) continue;
      part.process_all({reading(sensor, 1, 100)});
      EXPECT_EQ(part.take_output().back(), reading(sensor, 2, 100));
    }
  }
  EXPECT_EQ(kept, 50U);
}

}  // namespace
}  // namespace weir::test
