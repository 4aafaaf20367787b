// SPDX-License-Identifier: Apache-2.0
// EnumeratorOperator and SourceReaderOperator, alone and together.
#include "api/operators/source_reader_operator.h"

#include <gtest/gtest.h>

#include <deque>

#include "api/operators/collection_source.h"
#include "api/operators/enumerator_operator.h"
#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using detail::SplitAssignment;

/// Splits "0", "1", ...; more become known when `discover` is called.
class CountingEnumerator final : public SplitEnumerator {
 public:
  CountingEnumerator(int known, int in_all) : known_(known), in_all_(in_all) {}
  void open(OperatorContext& context, const std::optional<std::string>& restored) override {
    context_ = &context;
    if (restored.has_value()) next_ = std::stoi(*restored);
    known_ = std::max(known_, next_);
  }
  std::optional<SourceSplit> next_split(SubtaskIndex) override {
    if (next_ == known_) return std::nullopt;
    return SourceSplit{std::to_string(next_++), "0"};
  }
  bool is_exhausted() const override { return next_ == in_all_; }
  std::string snapshot() const override { return std::to_string(next_); }
  ProcessingTime discover_next() const override {
    return known_ == in_all_ ? ProcessingTime::max() : discover_at_;
  }
  void discover() override {
    ++known_;
    discover_at_ = context_->clock().now() + 1s;
  }

 private:
  OperatorContext* context_ = nullptr;
  int known_;
  int in_all_;
  int next_ = 0;
  ProcessingTime discover_at_ = ProcessingTime::none();
};

using EnumeratorHarness = OperatorHarness<SplitAssignment, SplitAssignment>;
OperatorFactory counting(int known, int in_all) {
  return [known, in_all] {
    return std::make_unique<detail::EnumeratorOperator>(
        std::make_unique<CountingEnumerator>(known, in_all));
  };
}
PollResult poll(EnumeratorHarness& harness) {
  Budget budget(10);
  const PollResult result = harness.op().poll(budget);
  harness.after_call();
  return result;
}
std::string sent(EnumeratorHarness& harness) {
  std::string text;
  for (const auto& row : harness.take_output()) {
    text += row.row.split.id + "->" + std::to_string(row.row.reader) + " ";
  }
  return text;
}

TEST(EnumeratorOperatorTest, AnswersEachHintOnceInTheOrderOfReaders) {
  EnumeratorHarness harness(counting(10, 10));
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  harness.op().on_hint(SubtaskIndex{1}, "0");
  harness.op().on_hint(SubtaskIndex{0}, "0");
  harness.op().on_hint(SubtaskIndex{1}, "0");
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  EXPECT_EQ(sent(harness), "0->0 1->1 ");
  harness.op().on_hint(SubtaskIndex{1}, "0");  // late or repeated
  harness.op().on_hint(SubtaskIndex{0}, "x");
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  EXPECT_EQ(sent(harness), "");
  harness.op().on_hint(SubtaskIndex{1}, "1");
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  EXPECT_EQ(sent(harness), "2->1 ");
}

TEST(EnumeratorOperatorTest, AnswersWaitingReadersWhenSplitsAreDiscovered) {
  EnumeratorHarness harness(counting(0, 2));
  harness.op().on_hint(SubtaskIndex{0}, "0");
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  EXPECT_EQ(sent(harness), "");
  harness.advance_clock(0s);
  EXPECT_EQ(sent(harness), "0->0 ");
  harness.op().on_hint(SubtaskIndex{0}, "1");
  harness.advance_clock(999ms);
  EXPECT_EQ(sent(harness), "");
  harness.advance_clock(1ms);
  EXPECT_EQ(sent(harness), "1->0 ");
  EXPECT_EQ(poll(harness), PollResult::kEnded);
}

TEST(EnumeratorOperatorTest, EndsWithTheLastSplitAndAgainAfterARestore) {
  EnumeratorHarness harness(counting(1, 1));
  harness.op().on_hint(SubtaskIndex{0}, "0");
  EXPECT_EQ(harness.op().source_watermark(), std::nullopt);
  EXPECT_EQ(poll(harness), PollResult::kEnded);
  EXPECT_EQ(harness.op().source_watermark(), Watermark{EventTime::max()});
  EXPECT_EQ(sent(harness), "0->0 ");
  harness.restore();
  EXPECT_EQ(poll(harness), PollResult::kEnded);
  EXPECT_EQ(sent(harness), "");
}

/// Reads splits one after the other: of split s the readings (s, 0), (s, 1), ... at 100 s + value.
class ReadingReader final : public SourceReader<Reading> {
 public:
  explicit ReadingReader(int per_split) : per_split_(per_split) {}
  void open(OperatorContext&) override {}
  void add_split(SourceSplit split) override { splits_.push_back(std::move(split)); }
  ReadResult read(SourceOutput<Reading>& output, std::size_t max_records) override {
    for (std::size_t i = 0; i < max_records; ++i) {
      if (splits_.empty()) return ReadResult::kNoSplit;
      SourceSplit& split = splits_.front();
      output.begin_split(split.id);
      const std::int64_t position = std::stoll(split.position);
      if (position == per_split_) {
        output.end_split(split.id);
        splits_.pop_front();
        continue;
      }
      const std::int64_t number = std::stoll(split.id);
      output.emit({number, position, EventTime(100 * number + position)}, EventTime(7));
      split.position = std::to_string(position + 1);
    }
    return splits_.empty() ? ReadResult::kNoSplit : ReadResult::kMore;
  }
  std::vector<SourceSplit> snapshot() const override { return {splits_.begin(), splits_.end()}; }

 private:
  int per_split_;
  std::deque<SourceSplit> splits_;
};

using ReaderHarness = OperatorHarness<SplitAssignment, Reading>;
template <class TimeOf>
OperatorFactory reading_by(const WatermarkStrategy<Reading, TimeOf>& strategy, int per_split = 3) {
  return [strategy, per_split] {
    return std::make_unique<detail::SourceReaderOperator<Reading, TimeOf>>(
        std::make_unique<ReadingReader>(per_split), strategy.rules(), strategy.time_of());
  };
}
PollResult poll(ReaderHarness& harness, std::size_t budget = 100) {
  Budget units(budget);
  const PollResult result = harness.op().poll(units);
  harness.after_call();
  return result;
}
SplitAssignment assignment(const std::string& id) { return {0, {id, "0"}}; }

TEST(SourceReaderOperatorTest, AsksForASplitAndAgainAfterAWhile) {
  ReaderHarness harness(reading_by(by_time()));
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  EXPECT_EQ(harness.world().hints, std::vector<std::string>{"0"});
  EXPECT_EQ(harness.context().wake_time(), harness.world().clock.now() + 100ms);
  harness.world().clock.advance(100ms);
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  EXPECT_EQ(harness.world().hints, (std::vector<std::string>{"0", "0"}));
  harness.process(assignment("0"));
  EXPECT_EQ(poll(harness), PollResult::kNothing);
  EXPECT_EQ(harness.world().hints, (std::vector<std::string>{"0", "0", "1"}));
}

TEST(SourceReaderOperatorTest, TakesEventTimeFromTheRecordOrFromTheConnector) {
  ReaderHarness by_record(reading_by(by_time(), 1));
  by_record.process(assignment("2"));
  poll(by_record);
  EXPECT_EQ(by_record.take_output(), std::vector{reading(2, 0, 200)});

  ReaderHarness by_connector(reading_by(WatermarkStrategy<Reading>::monotonous(), 1));
  by_connector.process(assignment("2"));
  poll(by_connector);
  EXPECT_EQ(by_connector.take_output(),
            (std::vector<Timed<Reading>>{{{2, 0, EventTime(200)}, EventTime(7)}}));
}

TEST(SourceReaderOperatorTest, MakesWatermarksAndEndsWhenTheEnumeratorHas) {
  ReaderHarness harness(reading_by(by_time()));
  EXPECT_EQ(harness.op().source_watermark(), std::nullopt);
  harness.process(assignment("1"));
  EXPECT_EQ(poll(harness, 2), PollResult::kMore);
  EXPECT_EQ(harness.op().source_watermark(), Watermark{EventTime(100)});
  harness.op().end_input(InputIndex{0});
  EXPECT_EQ(poll(harness), PollResult::kEnded);
  EXPECT_EQ(harness.op().source_watermark(), Watermark{EventTime::max()});
  EXPECT_TRUE(harness.world().hints.empty());
}

TEST(SourceReaderOperatorTest, GoesOnWithSplitsPositionsAndWatermarkAfterARestore) {
  ReaderHarness harness(reading_by(by_time()));
  harness.process(assignment("1"));
  poll(harness, 2);
  harness.process(assignment("4"));
  harness.restore();
  // Split 4 was not begun and holds event time back.
  EXPECT_EQ(harness.op().source_watermark(), std::nullopt);
  EXPECT_EQ(poll(harness, 1), PollResult::kMore);
  EXPECT_EQ(poll(harness, 2), PollResult::kMore);
  EXPECT_EQ(harness.take_output(), (std::vector{reading(1, 0, 100), reading(1, 1, 101),
                                                reading(1, 2, 102), reading(4, 0, 400)}));
  harness.restore();
  EXPECT_EQ(harness.op().source_watermark(), Watermark{EventTime(399)});
}

TEST(SourceReaderOperatorTest, SharesItsSplitsWhenTheParallelismChanges) {
  ReaderHarness harness(reading_by(by_time()));
  for (const char* id : {"1", "2", "3"}) harness.process(assignment(id));
  const StateHandle snapshot = harness.snapshot();
  std::size_t rows = 0;
  for (std::uint32_t subtask = 0; subtask < 2; ++subtask) {
    harness.restart({snapshot}, {.subtask = SubtaskIndex{subtask}, .parallelism = Parallelism{2}});
    poll(harness);
    const std::size_t mine = harness.take_output().size();
    EXPECT_GT(mine, 0U);
    rows += mine;
  }
  EXPECT_EQ(rows, 9U);
}

constexpr int kNotes = 1500;
std::string note_text(int i) { return "a note too long to lie inside: " + std::to_string(i); }

/// Makes notes 0, 1, ... in place. The text of every other one comes from strings that die.
class AppendingReader final : public SourceReader<Note> {
 public:
  void open(OperatorContext&) override {}
  void add_split(SourceSplit) override {}
  ReadResult read(SourceOutput<Note>& output, std::size_t max_records) override {
    output.begin_split("all");
    const SourceRoom<Note> room = output.begin_append();
    std::deque<std::string> dying;
    std::size_t made = 0;
    for (; made < std::min(room.size, max_records) && next_ < kNotes; ++made, ++next_) {
      const std::string& text = dying.emplace_back(note_text(next_));
      ::new (room.rows + made) Note{
          "author", next_ % 2 == 0 ? room.text->text(text) : Text::view(text), EventTime(next_)};
    }
    output.end_append(made);
    return next_ < kNotes ? ReadResult::kMore : ReadResult::kNothing;
  }
  std::vector<SourceSplit> snapshot() const override { return {}; }

 private:
  int next_ = 0;
};

TEST(SourceReaderOperatorTest, TakesTimesAndTextOfRowsMadeInPlace) {
  const auto strategy =
      WatermarkStrategy<Note>::bounded_out_of_orderness(Duration{0}).with_event_time(&Note::at);
  OperatorHarness<SplitAssignment, Note> harness([strategy] {
    return std::make_unique<detail::SourceReaderOperator<Note, EventTime Note::*>>(
        std::make_unique<AppendingReader>(), strategy.rules(), strategy.time_of());
  });
  harness.process({0, {"all", "0"}});
  PollResult result = PollResult::kMore;
  while (result == PollResult::kMore) {
    Budget budget(700);
    result = harness.op().poll(budget);
    harness.after_call();
  }
  EXPECT_EQ(harness.op().source_watermark(), Watermark{EventTime(kNotes - 2)});
  const auto rows = harness.take_output();
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(kNotes));
  for (int i = 0; i < kNotes; ++i) {
    EXPECT_EQ(rows[static_cast<std::size_t>(i)].at, EventTime(i));
    EXPECT_EQ(rows[static_cast<std::size_t>(i)].row.text, note_text(i));
  }
}

TEST(CollectionSourceTest, ReadsEveryRowOnceAcrossRestores) {
  const std::vector<Note> notes = {{"an author with a long name", "one", EventTime(1)},
                                   {"an author with a long name", "two", EventTime(2)},
                                   {"an author with a long name", "three", EventTime(3)}};
  const detail::CollectionSource<Note> source{
      std::make_shared<const detail::Collection<Note>>(notes)};
  using Operator = detail::SourceReaderOperator<Note, detail::ConnectorTime>;
  OperatorHarness<SplitAssignment, Note> harness([source] {
    return std::make_unique<Operator>(source.make_reader(), detail::WatermarkRules{},
                                      detail::ConnectorTime{});
  });
  harness.process({0, {"all", "0"}});
  for (int i = 0; i < 3; ++i) {
    Budget budget(1);
    harness.op().poll(budget);
    harness.after_call();
    harness.restore();
  }
  const auto rows = harness.take_output();
  ASSERT_EQ(rows.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(rows[i].row, notes[i]);
}

}  // namespace
}  // namespace weir::test
