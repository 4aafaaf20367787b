// SPDX-License-Identifier: Apache-2.0
// The log: levels, the sink, and the form of a line.
#include "base/logging.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/time.h"

namespace weir {
namespace {

// Collects lines while it lives and puts the sink and the level back afterwards.
class LogCapture {
 public:
  LogCapture() {
    before_ =
        set_log_sink([this](const LogEntry& entry) { lines.push_back(format_log_entry(entry)); });
  }
  ~LogCapture() {
    set_log_sink(before_);
    set_log_level(level_);
  }

  std::vector<std::string> lines;

 private:
  LogSink before_;
  LogLevel level_ = set_log_level(LogLevel::kInfo);
};

TEST(LoggingTest, LineHoldsLevelTextAndFieldsInOrder) {
  LogCapture capture;
  log_info("checkpoint completed", {{"id", 7}, {"took", Duration(12)}, {"full", true}});
  log_error("stopped");
  ASSERT_EQ(capture.lines.size(), 2U);
  EXPECT_EQ(capture.lines[0], "info: checkpoint completed: id=7 took=\"12 ms\" full=true");
  EXPECT_EQ(capture.lines[1], "error: stopped");
}

TEST(LoggingTest, ValuesThatWouldBreakTheLineAreQuoted) {
  LogCapture capture;
  log_warning("w", {{"a", ""}, {"b", "x=y"}, {"c", "say \"hi\"\n\\"}, {"d", std::string("plain")}});
  EXPECT_EQ(capture.lines.at(0),
            "warning: w: a=\"\" b=\"x=y\" c=\"say \\\"hi\\\"\\n\\\\\" d=plain");
}

TEST(LoggingTest, EntriesBelowTheLevelAreDropped) {
  LogCapture capture;
  log_debug("hidden");
  EXPECT_FALSE(is_logged(LogLevel::kDebug));
  EXPECT_EQ(set_log_level(LogLevel::kDebug), LogLevel::kInfo);
  log_debug("shown");
  set_log_level(LogLevel::kError);
  log_warning("hidden");
  EXPECT_EQ(capture.lines, (std::vector<std::string>{"debug: shown"}));
}

TEST(LoggingTest, WithoutASinkLinesGoToStandardErrorWithTheTime) {
  testing::internal::CaptureStderr();
  log_info("to the terminal", {{"n", 1}});
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(output.ends_with("Z info: to the terminal: n=1\n")) << output;
}

}  // namespace
}  // namespace weir
