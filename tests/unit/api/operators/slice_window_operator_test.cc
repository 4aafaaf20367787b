// SPDX-License-Identifier: Apache-2.0
// SliceWindowOperator, against windows kept one by one.
#include "api/operators/slice_window_operator.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/operators/window_function_traits.h"
#include "base/rng.h"
#include "tests/unit/api/operators/window_reference.h"
#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

struct CountAndSum {
  std::int64_t records = 0;
  std::int64_t sum = 0;
  WEIR_RECORD_INSIDE(CountAndSum, records, sum)
};
struct Summing {
  CountAndSum accumulator() const { return {}; }
  void add(CountAndSum& sum, const Reading& reading) const {
    ++sum.records;
    sum.sum += reading.value;
  }
  void merge(CountAndSum& sum, const CountAndSum& other) const {
    sum.records += other.records;
    sum.sum += other.sum;
  }
};
struct ToWindowSum {
  WindowSum operator()(const std::int64_t& key, const TimeWindow& window,
                       const CountAndSum& sum) const {
    return {key, window.start.millis(), sum.records, sum.sum};
  }
};
using SummingOperator = detail::SliceWindowOperator<Reading, BySensor, Summing, ToWindowSum>;

struct Windows {
  std::int64_t size;
  std::int64_t slide;
  std::int64_t offset = 0;
  std::int64_t lateness = 0;
};

OperatorFactory windows(const Windows& shape, bool has_late_output = false) {
  auto sides = std::make_shared<detail::SideOutputs>();
  if (has_late_output) {
    sides->push_back({"late", detail::type_address<Reading>(),
                      [] { return std::make_unique<Output<Reading>>(); }});
  }
  const detail::WindowOptions options{
      .windows = {Duration(shape.size), Duration(shape.slide), Duration(shape.offset)},
      .allowed_lateness = Duration(shape.lateness),
      .late_tag = has_late_output ? "late" : ""};
  return [options, sides] {
    return std::make_unique<SummingOperator>(by_sensor(), Summing{}, ToWindowSum{}, options, sides);
  };
}
Timed<WindowSum> sum(std::int64_t key, std::int64_t start, std::int64_t records, std::int64_t sum,
                     std::int64_t at) {
  return {{key, start, records, sum}, EventTime(at)};
}

TEST(SliceWindowOperatorTest, FiresATumblingWindowWhenTheWatermarkReachesItsLastMillisecond) {
  EXPECT_EQ((check_operator<Reading, WindowSum>(
                windows({10, 10}),
                {reading(1, 5, 3), reading(1, 6, 9), reading(1, 7, 10), watermark(8), watermark(9),
                 watermark(18), reading(1, 1, 19), watermark(30)},
                {sum(1, 0, 2, 11, 9), sum(1, 10, 2, 8, 19)})),
            "");
}

TEST(SliceWindowOperatorTest, PutsARecordIntoEveryWindowThatSlidesOverIt) {
  EXPECT_EQ(
      (check_operator<Reading, WindowSum>(windows({10, 4}), {reading(1, 5, 11), watermark(13)},
                                          {sum(1, 4, 1, 5, 13), sum(1, 8, 1, 5, 17)})),
      "");
}

TEST(SliceWindowOperatorTest, FiresAgainForEachRecordWithinTheAllowedLateness) {
  EXPECT_EQ(
      (check_operator<Reading, WindowSum>(
          windows({10, 10, 0, 5}),
          {reading(1, 5, 3), watermark(9), reading(1, 6, 4), reading(1, 1, 5), watermark(13),
           reading(1, 2, 6), watermark(14), reading(1, 9, 7)},
          {sum(1, 0, 1, 5, 9), sum(1, 0, 2, 11, 9), sum(1, 0, 3, 12, 9), sum(1, 0, 4, 14, 9)})),
      "");
}

TEST(SliceWindowOperatorTest, CountsLateRecordsOrWritesThemToTheSideOutput) {
  OperatorHarness<Reading, WindowSum> counting(windows({10, 10}));
  counting.advance_watermark(EventTime(9));
  counting.process_all({reading(1, 5, 9), reading(1, 5, 10)});
  EXPECT_EQ(counting.metric("numLateRecordsDropped"), 1);

  OperatorHarness<Reading, WindowSum> writing(windows({10, 10}, true));
  writing.advance_watermark(EventTime(9));
  writing.process_all({reading(1, 5, 9), reading(1, 5, 10)});
  EXPECT_EQ(writing.take_side_output<Reading>(1), std::vector{reading(1, 5, 9)});
  EXPECT_EQ(writing.metric("numLateRecordsDropped"), 0);
}

TEST(SliceWindowOperatorTest, RefusesRecordsWithoutEventTime) {
  OperatorHarness<Reading, WindowSum> harness(windows({10, 10}));
  EXPECT_THROW(harness.process({1, 5, EventTime(3)}), StatusError);
}

TEST(SliceWindowOperatorTest, FiresOnlyForKeysThatHaveNotFiredAfterARescale) {
  const Windows shape{10, 10, 0, 100};
  const auto place = [](std::uint32_t subtask) {
    return testing::HarnessPlace{.subtask = SubtaskIndex{subtask}, .parallelism = Parallelism{2}};
  };
  // Two subtasks that stand at different watermarks become one.
  std::vector<StateHandle> snapshots;
  std::vector<Timed<WindowSum>> all;
  for (std::uint32_t subtask = 0; subtask < 2; ++subtask) {
    OperatorHarness<Reading, WindowSum> part(windows(shape), place(subtask));
    for (std::int64_t key = 0; key < 20; ++key) {
      const KeyGroupId group = key_group_of(key_hash(key), MaxParallelism{128});
      if (part.context().info().key_groups.contains(group)) part.process_all({reading(key, 1, 5)});
    }
    part.advance_watermark(EventTime(subtask == 0 ? 20 : 5));
    for (const auto& row : part.take_output()) all.push_back(row);
    snapshots.push_back(part.snapshot());
  }
  const std::size_t before = all.size();
  EXPECT_GT(before, 0U);
  EXPECT_LT(before, 20U);
  OperatorHarness<Reading, WindowSum> whole(windows(shape));
  whole.restart(snapshots);
  whole.advance_watermark(EventTime(30));
  for (const auto& row : whole.take_output()) all.push_back(row);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  ASSERT_EQ(all.size(), 20U);
  for (std::int64_t key = 0; key < 20; ++key) {
    EXPECT_EQ(all[static_cast<std::size_t>(key)], sum(key, 0, 1, 1, 9));
  }
}

std::vector<HarnessElement<Reading>> random_elements(Rng& rng, std::int64_t disorder) {
  std::vector<HarnessElement<Reading>> elements;
  std::int64_t now = rng.uniform_between(-200, 200);
  std::int64_t last_watermark = now - 1000;
  for (int i = 0; i < 300; ++i) {
    now += rng.uniform_between(0, 3);
    if (rng.chance(0.02)) now += rng.uniform_between(0, 200);
    elements.push_back(reading(rng.uniform_between(0, 4), rng.uniform_between(-9, 9),
                               now - rng.uniform_between(0, disorder)));
    if (!rng.chance(0.1)) continue;
    last_watermark = std::max(last_watermark, now - rng.uniform_between(0, disorder));
    elements.push_back(Watermark{EventTime(last_watermark)});
  }
  return elements;
}

// Of one element, the order of keys within a window and of windows that fire again is free.
void sort_results(std::vector<Timed<WindowSum>>& rows) {
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
}

/// Feeds both, element by element, and compares after each.
void compare(const Windows& shape, const std::vector<HarnessElement<Reading>>& elements,
             testing::HarnessMode mode) {
  OperatorHarness<Reading, WindowSum> slices(windows(shape, true));
  if (mode == testing::HarnessMode::kSmallBudget) slices.set_budget(1);
  WindowReference reference(shape.size, shape.slide, shape.offset, shape.lateness);
  for (std::size_t i = 0; i <= elements.size(); ++i) {
    const auto* record = i < elements.size() ? std::get_if<Timed<Reading>>(&elements[i]) : nullptr;
    if (record != nullptr) {
      slices.process_all({*record});
      reference.process(record->row);
    } else {
      const EventTime time =
          i < elements.size() ? std::get<Watermark>(elements[i]).time : EventTime::max();
      slices.advance_watermark(time);
      reference.advance_watermark(time.millis());
    }
    auto actual = slices.take_output();
    auto expected = reference.take_results();
    sort_results(actual);
    sort_results(expected);
    ASSERT_EQ(actual, expected) << "element " << i << " of windows " << shape.size << "/"
                                << shape.slide << "+" << shape.offset << " late " << shape.lateness;
    std::vector<Timed<Reading>> late;
    for (const Reading& row : reference.take_late()) late.push_back({row, row.at});
    ASSERT_EQ(slices.take_side_output<Reading>(1), late) << "element " << i;
    if (mode == testing::HarnessMode::kRestored) slices.restore();
  }
}

TEST(SliceWindowOperatorTest, AgreesWithWindowsKeptOneByOne) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Rng rng(seed);
    Windows shape{};
    shape.size = rng.uniform_between(1, 40);
    shape.slide = rng.chance(0.3) ? shape.size : rng.uniform_between(1, 50);
    shape.offset = rng.uniform_between(-shape.slide + 1, shape.slide - 1);
    shape.lateness = rng.chance(0.5) ? 0 : rng.uniform_between(0, 60);
    const auto elements = random_elements(rng, rng.uniform_between(0, 60));
    const auto mode = rng.chance(0.1)   ? testing::HarnessMode::kRestored
                      : rng.chance(0.3) ? testing::HarnessMode::kSmallBudget
                                        : testing::HarnessMode::kPlain;
    compare(shape, elements, mode);
    if (::testing::Test::HasFatalFailure()) {
      FAIL() << "seed " << seed;
    }
  }
}

struct LongestText {
  std::optional<Text> accumulator() const { return {}; }
  void add(std::optional<Text>& longest, const Note& note) const {
    if (!longest.has_value() || longest->size() < note.text.size()) longest = note.text;
  }
  void merge(std::optional<Text>& longest, const std::optional<Text>& other) const {
    if (other.has_value()) add(longest, {{}, *other, EventTime(0)});
  }
};

TEST(SliceWindowOperatorTest, KeepsTextInKeysAndAccumulators) {
  using ByAuthor = detail::KeySelector<Note, Text Note::*>;
  const auto emit = [](const Text& author, const TimeWindow& window,
                       const std::optional<Text>& longest, TextMaker& text) {
    return Note{author, text.text("longest: {}", *longest), window.start};
  };
  const OperatorFactory make = [emit] {
    return std::make_unique<
        detail::SliceWindowOperator<Note, ByAuthor, LongestText, decltype(emit)>>(
        ByAuthor(&Note::author), LongestText{}, emit,
        detail::WindowOptions{.windows = sliding(Duration{10}, Duration{5})});
  };
  const auto note = [](Text text, std::int64_t at) {
    return Timed<Note>{{"an author with a long name", text, EventTime(at)}, EventTime(at)};
  };
  const Timed<Note> early{{"an author with a long name", "longest: of some length", EventTime(-5)},
                          EventTime(4)};
  const Timed<Note> middle{
      {"an author with a long name", "longest: this is a longer one", EventTime(0)}, EventTime(9)};
  const Timed<Note> late{
      {"an author with a long name", "longest: this is a longer one", EventTime(5)}, EventTime(14)};
  EXPECT_EQ(
      (check_operator<Note, Note>(
          make, {note("of some length", 1), note("short", 2), note("this is a longer one", 7)},
          {early, middle, late})),
      "");
}

}  // namespace
}  // namespace weir::test
