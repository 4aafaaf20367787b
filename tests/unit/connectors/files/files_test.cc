// SPDX-License-Identifier: Apache-2.0
// FileSource and FileSink with formats: records in, records out, and bad ones.
#include <gtest/gtest.h>
#include <weir/connectors/files.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/logging.h"
#include "tests/unit/connectors/collecting_output.h"
#include "tests/unit/connectors/fake_context.h"

namespace weir {
namespace {

struct Item {
  std::int64_t number = 0;
  std::string name;
  WEIR_RECORD_INSIDE(Item, number, name)
};

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    former_sink_ =
        set_log_sink([this](const LogEntry& entry) { log_.push_back(format_log_entry(entry)); });
  }
  ~FilesTest() override { set_log_sink(former_sink_); }

  FileSource<Item> source(const std::string& name) {
    FileSource<Item> source;
    source.path = folder_.path(name);
    source.format = json();
    return source;
  }

  std::vector<Item> read(const FileSource<Item>& source) {
    const auto enumerator = source.make_enumerator();
    const auto reader = source.make_reader();
    enumerator->open(context_, std::nullopt);
    reader->open(context_);
    CollectingOutput<Item> output;
    for (;;) {
      if (reader->read(output, 10) != ReadResult::kNoSplit) continue;
      const auto split = enumerator->next_split(SubtaskIndex{0});
      if (!split.has_value()) return output.rows;
      reader->add_split(*split);
    }
  }
  std::uint64_t bad_records() {
    for (const MetricSample& sample : context_.metrics().snapshot()) {
      if (sample.name == "bad_records") return static_cast<std::uint64_t>(sample.value);
    }
    return 0;
  }

  TemporaryFolder folder_;
  FakeContext context_;
  std::vector<std::string> log_;
  LogSink former_sink_;
};

TEST_F(FilesTest, ReadsRecordsOfAllSplits) {
  std::string content;
  for (int i = 0; i < 100; ++i) {
    content += "{\"number\":" + std::to_string(i) + ",\"name\":\"n" + std::to_string(i) + "\"}\n";
  }
  folder_.write("a", content);
  FileSource<Item> items = source("a");
  items.split_bytes = 100;
  const std::vector<Item> rows = read(items);
  ASSERT_EQ(rows.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rows[static_cast<std::size_t>(i)].number, i);
  EXPECT_EQ(bad_records(), 0U);
}

TEST_F(FilesTest, RestoredReaderReadsItsSplitsInTheOrderOfTheSource) {
  folder_.write("a", "{\"number\":0}\n{\"number\":1}\n{\"number\":2}\n");
  FileSource<Item> items = source("a");
  items.split_bytes = 13;
  const auto enumerator = items.make_enumerator();
  enumerator->open(context_, std::nullopt);
  std::vector<SourceSplit> splits;
  while (const auto split = enumerator->next_split(SubtaskIndex{0})) {
    splits.insert(splits.begin(), *split);
  }
  EXPECT_EQ(splits.size(), 3U);
  const auto reader = items.make_reader();
  reader->open(context_);
  for (const SourceSplit& split : splits) reader->add_split(split);
  CollectingOutput<Item> output;
  while (reader->read(output, 10) != ReadResult::kNoSplit) {
  }
  ASSERT_EQ(output.rows.size(), 3U);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(output.rows[static_cast<std::size_t>(i)].number, i);
  }
}

TEST_F(FilesTest, BadRecordIsSkippedCountedAndShownWithFileAndOffset) {
  folder_.write("a", "{\"number\":1}\n\xFF garbage\n{\"number\":2}\n");
  const std::vector<Item> rows = read(source("a"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(bad_records(), 1U);
  ASSERT_EQ(log_.size(), 1U);
  EXPECT_NE(log_[0].find("file=" + folder_.path("a")), std::string::npos) << log_[0];
  EXPECT_NE(log_[0].find("offset=13"), std::string::npos) << log_[0];
  EXPECT_NE(log_[0].find("reason="), std::string::npos) << log_[0];
}

TEST_F(FilesTest, ManyBadRecordsAreShownLessAndLess) {
  std::string content;
  for (int i = 0; i < 1000; ++i) content += "garbage\n";
  folder_.write("a", content);
  EXPECT_TRUE(read(source("a")).empty());
  EXPECT_EQ(bad_records(), 1000U);
  EXPECT_EQ(log_.size(), 10U + 6U);  // 16, 32, 64, 128, 256, 512
}

TEST_F(FilesTest, BadRecordFailsTheJobWithoutRetryWhenAskedFor) {
  folder_.write("a", "{\"number\":1}\ngarbage\n");
  FileSource<Item> items = source("a");
  items.on_bad_record = OnBadRecord::kFail;
  try {
    read(items);
    FAIL() << "did not throw";
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status().domain(), ErrorDomain::kUser);
    EXPECT_EQ(error.status().retry(), RetryHint::kNo);
    EXPECT_NE(error.status().message().find("'" + folder_.path("a") + "' at byte 13"),
              std::string::npos);
  }
}

TEST_F(FilesTest, LineOverTheLimitIsABadRecord) {
  folder_.write("a", "{\"number\":1}\n\"" + std::string(1000, 'x') + "\"\n{\"number\":2}\n");
  FileSource<Item> items = source("a");
  items.max_line_bytes = 100;
  EXPECT_EQ(read(items).size(), 2U);
  EXPECT_EQ(bad_records(), 1U);
  EXPECT_NE(log_.at(0).find("line is longer than 100 bytes"), std::string::npos) << log_[0];
}

TEST_F(FilesTest, ErrorBehindTheSourceIsNotABadRecord) {
  struct Failing final : SourceOutput<Item> {
    void emit(Item, EventTime) override { throw RecordError("not the source's"); }
    TextMaker& maker() override { return text; }
    void begin_split(const std::string&) override {}
    void end_split(const std::string&) override {}
    ArenaList arenas;
    TextMaker text{arenas};
  } output;
  folder_.write("a", "{\"number\":1}\n");
  const FileSource<Item> items = source("a");
  const auto enumerator = items.make_enumerator();
  enumerator->open(context_, std::nullopt);
  const auto reader = items.make_reader();
  reader->open(context_);
  reader->add_split(*enumerator->next_split(SubtaskIndex{0}));
  EXPECT_THROW(
      {
        while (reader->read(output, 10) != ReadResult::kNoSplit) {
        }
      },
      RecordError);
  EXPECT_EQ(bad_records(), 0U);
}

TEST_F(FilesTest, HeaderIsReadForEverySplitAndIsNoRecord) {
  std::string content = "name,number\n";
  for (int i = 0; i < 50; ++i) content += "n," + std::to_string(i) + "\n";
  folder_.write("a.csv", content);
  folder_.write("b.csv", "number,name\n50,n\n");
  FileSource<Item> items = source("*.csv");
  items.format = csv({.header = true});
  items.split_bytes = 20;
  const std::vector<Item> rows = read(items);
  ASSERT_EQ(rows.size(), 51U);
  for (int i = 0; i < 51; ++i) EXPECT_EQ(rows[static_cast<std::size_t>(i)].number, i);
  EXPECT_EQ(bad_records(), 0U);
}

TEST_F(FilesTest, SinkWritesWhatTheSourceReads) {
  folder_.write("in", "{\"number\":1,\"name\":\"a\"}\n{\"number\":2,\"name\":\"b\"}\n");
  for (const bool as_csv : {false, true}) {
    const std::string out = as_csv ? "csv" : "json";
    FileSink<Item> sink{.path = folder_.path(out), .format = json()};
    if (as_csv) sink.format = csv({.header = true});
    sink.roll_bytes = 1;  // a file per record
    const auto writer = sink.make_writer();
    FakeContext context;
    writer->open(context);
    TypedBatch<Item> batch;
    for (const Item& item : read(source("in"))) batch.append(EventTime::none(), item);
    writer->write(batch, 0, batch.size());
    writer->finish();
    writer->prepare_commit(CheckpointId{1});
    auto frozen = context.registry().freeze(CheckpointId{1});
    ASSERT_TRUE(FakeStateRegistry::write(frozen).is_ok());
    writer->commit(CheckpointId{1});
    context.run_all();
    FileSource<Item> back = source(out);
    if (as_csv) back.format = csv({.header = true});
    const std::vector<Item> rows = read(back);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0], (Item{1, "a"}));
    EXPECT_EQ(rows[1], (Item{2, "b"}));
  }
}

TEST_F(FilesTest, RecordThatCannotBeWrittenIsSkippedAndCounted) {
  const FileSink<std::string> sink{.path = folder_.path("out"), .format = lines()};
  const auto writer = sink.make_writer();
  writer->open(context_);
  TypedBatch<std::string> batch;
  for (const char* line : {"one", "two\nlines", "three"}) batch.append(EventTime::none(), line);
  writer->write(batch, 0, batch.size());
  writer->finish();
  writer->prepare_commit(CheckpointId{1});
  auto frozen = context_.registry().freeze(CheckpointId{1});
  ASSERT_TRUE(FakeStateRegistry::write(frozen).is_ok());
  writer->commit(CheckpointId{1});
  context_.run_all();
  EXPECT_EQ(bad_records(), 1U);
  EXPECT_EQ(TemporaryFolder::visible_in(folder_.path("out")), "one\nthree\n");
}

TEST_F(FilesTest, ReportsWrongOptions) {
  FileSource<Item> items;
  items.split_bytes = 0;
  items.max_line_bytes = 0;
  EXPECT_EQ(items.validate().size(), 4U);
  FileSink<Item> sink;
  sink.prefix = "a/b";
  sink.roll_bytes = 0;
  sink.inactivity = Duration{0};
  EXPECT_EQ(sink.validate().size(), 5U);
}

}  // namespace
}  // namespace weir
