// SPDX-License-Identifier: Apache-2.0
// Lines and splits: whatever the cuts, each line comes exactly once.
#include "connectors/files/line_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "connectors/files/file_enumerator.h"
#include "tests/unit/connectors/fake_context.h"

namespace weir::detail {
namespace {

using Lines = std::vector<std::pair<std::uint64_t, std::string>>;
using Step = LineReader::Step;

constexpr std::size_t kNoLimit = std::size_t{1} << 30;

class LineReaderTest : public testing::Test {
 protected:
  FileRange whole(const std::string& name) {
    const std::uint64_t size = folder_.read(name).size();
    return {.ordinal = 0,
            .path = folder_.path(name),
            .file_size = size,
            .begin = 0,
            .end = size,
            .position = 0};
  }

  // Reads a range to its end; lines over the limit appear as "<too long>".
  Lines read(const FileRange& range, std::size_t max_line_bytes = kNoLimit,
             std::size_t block_bytes = 64) {
    LineReader reader(max_line_bytes, block_bytes);
    reader.open(files_, range);
    Lines lines;
    for (;;) {
      switch (reader.next()) {
        case Step::kLine:
          lines.emplace_back(reader.line_offset(), std::string(reader.line()));
          break;
        case Step::kTooLong: lines.emplace_back(reader.line_offset(), "<too long>"); break;
        case Step::kBusy: break;
        case Step::kEnd: return lines;
      }
    }
  }

  Lines read_in_splits(const std::string& name, std::uint64_t split_bytes,
                       std::size_t max_line_bytes = kNoLimit, std::size_t block_bytes = 64) {
    FakeContext context;
    FileEnumerator enumerator(folder_.path(name), split_bytes);
    enumerator.open(context, std::nullopt);
    Lines all;
    while (const auto split = enumerator.next_split(SubtaskIndex{0})) {
      const Lines lines = read(FileRange::from_split(*split), max_line_bytes, block_bytes);
      all.insert(all.end(), lines.begin(), lines.end());
    }
    return all;
  }

  TemporaryFolder folder_;
  PosixFileStore files_;
};

// The definition, without blocks and splits.
Lines lines_of(const std::string& content, std::size_t max_line_bytes = kNoLimit) {
  Lines lines;
  for (std::size_t start = 0; start < content.size();) {
    const std::size_t end = std::min(content.find('\n', start), content.size());
    std::string line = content.substr(start, end - start);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.size() > max_line_bytes) line = "<too long>";
    if (!line.empty()) lines.emplace_back(start, line);
    start = end + 1;
  }
  return lines;
}

TEST_F(LineReaderTest, GivesLinesWithTheirOffsets) {
  folder_.write("a", "one\ntwo\r\n\n\r\nthree");
  EXPECT_EQ(read(whole("a")), (Lines{{0, "one"}, {4, "two"}, {12, "three"}}));
}

TEST_F(LineReaderTest, AnySplitSizeYieldsEachLineExactlyOnce) {
  const std::string content = "a\nbb\r\n\nccc\n\n\ndddddddddddddddddddddddd\ne\n\r\nff";
  folder_.write("a", content);
  for (std::uint64_t split_bytes = 1; split_bytes <= content.size() + 1; ++split_bytes) {
    for (const std::size_t block_bytes : {1, 2, 3, 7, 64}) {
      EXPECT_EQ(read_in_splits("a", split_bytes, kNoLimit, block_bytes), lines_of(content))
          << "split_bytes " << split_bytes << " block_bytes " << block_bytes;
    }
  }
}

TEST_F(LineReaderTest, RandomFilesAndSplitsYieldEachLineExactlyOnce) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    std::string content;
    const std::uint64_t size = rng.uniform(3000);
    const double line_end_chance = rng.uniform_double() * rng.uniform_double();
    while (content.size() < size) {
      const bool ends = rng.chance(line_end_chance);
      content += ends ? (rng.chance(0.2) ? "\r\n" : "\n") : "x";
      if (!ends && rng.chance(0.5)) content.back() = static_cast<char>('a' + rng.uniform(26));
    }
    if (content.empty()) content = "x";
    folder_.write("a", content);
    const std::size_t max_line_bytes = rng.chance(0.5) ? kNoLimit : 1 + rng.uniform(200);
    const std::uint64_t split_bytes = 1 + rng.uniform(rng.chance(0.5) ? 20 : 4000);
    const std::size_t block_bytes = 1 + rng.uniform(300);
    ASSERT_EQ(read_in_splits("a", split_bytes, max_line_bytes, block_bytes),
              lines_of(content, max_line_bytes))
        << "seed " << seed;
  }
}

TEST_F(LineReaderTest, GoesOnFromAnyPositionWithoutLossOrRepeat) {
  std::string content;
  for (int i = 0; i < 40; ++i) content += std::string(i % 7, 'x') + std::to_string(i) + "\n";
  folder_.write("a", content);
  for (const std::uint64_t split_bytes : {1, 13, 1000}) {
    FakeContext context;
    FileEnumerator enumerator(folder_.path("a"), split_bytes);
    enumerator.open(context, std::nullopt);
    Lines all;
    while (const auto split = enumerator.next_split(SubtaskIndex{0})) {
      // A new reader after every step, from what the one before would have put into a checkpoint.
      FileRange range = FileRange::from_split(*split);
      for (bool ended = false; !ended;) {
        LineReader reader(kNoLimit, 16);
        reader.open(files_, FileRange::from_split(range.to_split()));
        Step step = reader.next();
        while (step == Step::kBusy) step = reader.next();
        ended = step == Step::kEnd;
        if (!ended) all.emplace_back(reader.line_offset(), std::string(reader.line()));
        range = reader.range();
      }
    }
    EXPECT_EQ(all, lines_of(content)) << "split_bytes " << split_bytes;
  }
}

TEST_F(LineReaderTest, PassesOverALongLineWithoutHoldingIt) {
  // The line is far larger than what the reader may read at once, and the steps are many.
  const std::string content = "a\n" + std::string(100'000, 'x') + "\nb\n";
  folder_.write("a", content);
  LineReader reader(1000, 100);
  reader.open(files_, whole("a"));
  EXPECT_EQ(reader.next(), Step::kLine);
  int busy = 0;
  Step step = reader.next();
  for (; step == Step::kBusy; step = reader.next()) {
    ++busy;
    // A checkpoint in the middle of it goes back to its start.
    EXPECT_EQ(reader.range().position, 2U);
  }
  EXPECT_EQ(step, Step::kTooLong);
  EXPECT_EQ(reader.line_offset(), 2U);
  EXPECT_GT(busy, 50);
  EXPECT_EQ(reader.next(), Step::kLine);
  EXPECT_EQ(reader.line(), "b");
}

TEST_F(LineReaderTest, LimitIsTheLongestLineThatIsRead) {
  folder_.write("a", std::string(10, 'x') + "\r\n" + std::string(11, 'y') + "\n");
  EXPECT_EQ(read(whole("a"), 10), (Lines{{0, std::string(10, 'x')}, {12, "<too long>"}}));
}

TEST_F(LineReaderTest, LineIsFollowedByReadablePadding) {
  folder_.write("a", "x");
  LineReader reader(kNoLimit, 1);
  reader.open(files_, whole("a"));
  ASSERT_EQ(reader.next(), Step::kLine);
  // Found by the address sanitizer if the padding is missing.
  unsigned sum = 0;
  for (std::size_t i = 0; i < kReadPadding; ++i) {
    sum += static_cast<unsigned char>(reader.line().data()[reader.line().size() + i]);
  }
  EXPECT_LT(sum, 256 * kReadPadding);
}

TEST_F(LineReaderTest, FileThatChangedItsSizeIsAClearError) {
  folder_.write("a", "one\ntwo\n");
  const FileRange range = whole("a");
  folder_.write("a", "one\n");
  LineReader reader(kNoLimit);
  try {
    reader.open(files_, range);
    FAIL() << "did not throw";
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status().domain(), ErrorDomain::kUser);
    EXPECT_EQ(error.status().retry(), RetryHint::kNo);
    EXPECT_NE(error.status().message().find(folder_.path("a")), std::string::npos);
    EXPECT_NE(error.status().message().find("had 8 bytes when it was found, now has 4"),
              std::string::npos);
  }
}

TEST_F(LineReaderTest, FileThatShrinksWhileItIsReadIsAClearError) {
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += "0123456789\n";
  folder_.write("a", content);
  LineReader reader(kNoLimit, 1024);
  reader.open(files_, whole("a"));
  ASSERT_EQ(reader.next(), Step::kLine);
  std::filesystem::resize_file(folder_.path("a"), 100);
  EXPECT_THROW(
      {
        while (reader.next() != Step::kEnd) {
        }
      },
      StatusError);
}

}  // namespace
}  // namespace weir::detail
