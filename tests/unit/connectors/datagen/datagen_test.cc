// SPDX-License-Identifier: Apache-2.0
// Generated input: the same record for the same number, each once, at the rate asked for.
#include <gtest/gtest.h>
#include <weir/connectors/datagen.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/connectors/collecting_output.h"
#include "tests/unit/connectors/fake_context.h"

namespace weir {
namespace {

using Numbers = std::vector<std::uint64_t>;

Numbers first_numbers(std::uint64_t count) {
  Numbers numbers;
  for (std::uint64_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

std::uint64_t same(std::uint64_t i) { return i; }

DataGenSource<std::uint64_t> source_of(std::uint64_t count) {
  return {.generator = same, .count = count, .rate_per_second = 0, .splits = 0};
}

// Gives a reader the next split whenever it has none, until there is none left.
Numbers read_all(const DataGenSource<std::uint64_t>& source, std::size_t max_records) {
  FakeContext context;
  const auto enumerator = source.make_enumerator();
  const auto reader = source.make_reader();
  enumerator->open(context, std::nullopt);
  reader->open(context);
  CollectingOutput<std::uint64_t> output;
  for (;;) {
    if (reader->read(output, max_records) != ReadResult::kNoSplit) continue;
    const auto split = enumerator->next_split(SubtaskIndex{0});
    if (!split.has_value()) break;
    reader->add_split(*split);
  }
  EXPECT_TRUE(enumerator->is_exhausted());
  return output.rows;
}

TEST(DataGenSourceTest, EmitsEachNumberOnceInOrder) {
  for (const std::uint64_t count : {0, 1, 99, 100, 101}) {
    for (const std::uint64_t splits : {0, 1, 3, 100, 1000}) {
      DataGenSource<std::uint64_t> source = source_of(count);
      source.splits = splits;
      EXPECT_EQ(read_all(source, 7), first_numbers(count)) << count << " in " << splits;
    }
  }
}

/// Has room for three rows at a time.
class RoomyOutput final : public SourceOutput<std::uint64_t> {
 public:
  void emit(std::uint64_t, EventTime) override { FAIL() << "there was room"; }
  TextMaker& maker() override { return maker_; }
  void begin_split(const std::string&) override {}
  void end_split(const std::string&) override {}
  SourceRoom<std::uint64_t> begin_append() override { return {room_, std::size(room_), &maker_}; }
  void end_append(std::size_t count) override { rows.insert(rows.end(), room_, room_ + count); }

  Numbers rows;

 private:
  std::uint64_t room_[3] = {};
  TextMaker maker_;
};

TEST(DataGenSourceTest, MakesRecordsInPlaceAndKeepsThoseBeforeOneThatThrows) {
  DataGenSource<std::uint64_t> source = source_of(100);
  source.generator = [](std::uint64_t i) {
    if (i == 50) throw std::runtime_error("record 50");
    return i;
  };
  FakeContext context;
  const auto enumerator = source.make_enumerator();
  const auto reader = source.make_reader();
  enumerator->open(context, std::nullopt);
  reader->open(context);
  reader->add_split(*enumerator->next_split(SubtaskIndex{0}));
  RoomyOutput output;
  EXPECT_EQ(reader->read(output, 20), ReadResult::kMore);
  EXPECT_EQ(output.rows, first_numbers(20));
  EXPECT_THROW(reader->read(output, 40), std::runtime_error);
  EXPECT_EQ(output.rows, first_numbers(50));
}

TEST(DataGenSourceTest, GoesOnFromItsSnapshotAfterEveryRead) {
  DataGenSource<std::uint64_t> source = source_of(100);
  source.splits = 7;
  std::optional<std::string> state;
  std::vector<SourceSplit> splits;
  Numbers all;
  for (int i = 0; i < 1000; ++i) {
    FakeContext context;
    const auto enumerator = source.make_enumerator();
    enumerator->open(context, state);
    const auto reader = source.make_reader();
    reader->open(context);
    for (const SourceSplit& split : splits) reader->add_split(split);
    CollectingOutput<std::uint64_t> output;
    if (reader->read(output, 3) == ReadResult::kNoSplit) {
      if (const auto split = enumerator->next_split(SubtaskIndex{0})) reader->add_split(*split);
    }
    all.insert(all.end(), output.rows.begin(), output.rows.end());
    state = enumerator->snapshot();
    splits = reader->snapshot();
  }
  EXPECT_EQ(all, first_numbers(100));
}

TEST(DataGenSourceTest, RestoredReaderBeginsWithTheOldestSplit) {
  DataGenSource<std::uint64_t> source = source_of(30);
  source.splits = 3;
  FakeContext context;
  const auto enumerator = source.make_enumerator();
  enumerator->open(context, std::nullopt);
  std::vector<SourceSplit> splits;
  while (const auto split = enumerator->next_split(SubtaskIndex{0})) splits.push_back(*split);
  std::reverse(splits.begin(), splits.end());
  const auto reader = source.make_reader();
  reader->open(context);
  for (const SourceSplit& split : splits) reader->add_split(split);
  CollectingOutput<std::uint64_t> output;
  while (reader->read(output, 100) != ReadResult::kNoSplit) {
  }
  EXPECT_EQ(output.rows, first_numbers(30));
  EXPECT_EQ(output.splits, (std::vector<std::string>{"+0", "-0", "+10", "-10", "+20", "-20"}));
}

TEST(DataGenSourceTest, GeneratorMayMakeText) {
  const DataGenSource<Text> source{.generator =
                                       [](std::uint64_t i, TextMaker& text) {
                                         return text.text("a rather long text with number {}", i);
                                       },
                                   .count = 2,
                                   .rate_per_second = 0,
                                   .splits = 0};
  FakeContext context;
  const auto enumerator = source.make_enumerator();
  const auto reader = source.make_reader();
  reader->open(context);
  reader->add_split(*enumerator->next_split(SubtaskIndex{0}));
  CollectingOutput<Text> output;
  EXPECT_EQ(reader->read(output, 100), ReadResult::kNoSplit);
  ASSERT_EQ(output.rows.size(), 2U);
  EXPECT_EQ(output.rows[1], "a rather long text with number 1");
}

TEST(DataGenSourceTest, KeepsTheRateAndAsksToBeWoken) {
  DataGenSource<std::uint64_t> source = source_of(1'000'000);
  source.rate_per_second = 2000;
  source.splits = 1;
  FakeContext context;
  context.mutable_info().parallelism = Parallelism{2};  // so this reader has 1000 a second
  const auto enumerator = source.make_enumerator();
  const auto reader = source.make_reader();
  reader->open(context);
  reader->add_split(*enumerator->next_split(SubtaskIndex{0}));
  CollectingOutput<std::uint64_t> output;
  const auto read_what_is_due = [&] {
    while (reader->read(output, 64) == ReadResult::kMore) {
    }
  };
  read_what_is_due();
  EXPECT_EQ(output.rows.size(), 1U);
  ASSERT_EQ(context.wakes().size(), 1U);
  EXPECT_EQ(context.wakes()[0], context.clock().now() + detail::RateLimit::kSleepMin);
  for (int i = 0; i < 100; ++i) {
    context.manual_clock().advance(Duration{10});
    read_what_is_due();
  }
  EXPECT_EQ(output.rows.size(), 1001U);
  // Ten seconds of back pressure are not made up for but in a short burst.
  context.manual_clock().advance(std::chrono::seconds{10});
  read_what_is_due();
  EXPECT_LT(output.rows.size(), 1110U);
}

TEST(DataGenSourceTest, ReportsWrongOptions) {
  DataGenSource<std::uint64_t> source;
  source.splits = 3;
  source.rate_per_second = -1;
  EXPECT_EQ(source.validate().size(), 3U);
  EXPECT_TRUE(source_of(3).validate().empty());
}

}  // namespace
}  // namespace weir
