// SPDX-License-Identifier: Apache-2.0
// What a person reads while a job runs and when it has ended.
#include "launch/progress.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

JobProgress running_job() {
  JobProgress job;
  job.name = "fraud-detection";
  job.state = "RUNNING";
  job.uptime = std::chrono::seconds{7};
  job.checkpoints_completed = 2;
  job.last_checkpoint = CheckpointId{2};
  job.last_checkpoint_age = std::chrono::milliseconds{400};
  job.last_checkpoint_duration = std::chrono::milliseconds{12};
  job.last_checkpoint_bytes = 1153434;
  job.operators = {
      {.name = "transactions", .is_source = true, .records_out = 1204331},
      {.name = "alerts", .is_sink = true, .records_in = 311},
  };
  return job;
}

TEST(ProgressTextTest, PlainIsOneLineWithCheckpointsAndCounts) {
  ProgressText text;
  EXPECT_EQ(text.plain(running_job(), 1),
            "fraud-detection RUNNING 00:00:07  checkpoints 2, last #2 0.4 s ago (12 ms, 1.1 MB)  "
            "restarts 0  [transactions out 1,204,331 0/s]  [alerts in 311 0/s]");
}

TEST(ProgressTextTest, RateIsTheDifferenceSinceTheLastCall) {
  ProgressText text;
  JobProgress job = running_job();
  (void)text.plain(job, 0);
  job.operators[0].records_out += 500;
  EXPECT_NE(text.plain(job, 500'000'000).find("[transactions out 1,204,831 1,000/s]"),
            std::string::npos);
}

TEST(ProgressTextTest, CountersThatBeginAgainAfterARestartShowNoRate) {
  ProgressText text;
  JobProgress job = running_job();
  (void)text.plain(job, 0);
  job.operators[0].records_out = 3;
  EXPECT_NE(text.plain(job, 1'000'000'000).find("[transactions out 3 0/s]"), std::string::npos);
}

TEST(ProgressTextTest, BadAndLateRecordsAreShownOnlyWhenThereAreSome) {
  JobProgress job = running_job();
  EXPECT_EQ(ProgressText::summary(job, "FINISHED").find("bad"), std::string::npos);
  job.operators[0].bad_records = 2;
  EXPECT_NE(ProgressText::summary(job, "FINISHED").find("bad 2"), std::string::npos);
}

TEST(ProgressTextTest, KeysReadFromDiskAreShownWhileTheJobRunsAndInTheEnd) {
  JobProgress job = running_job();
  EXPECT_EQ(ProgressText::summary(job, "FINISHED").find("disk"), std::string::npos);
  job.operators[0].state_loads = 1200;
  EXPECT_NE(ProgressText::summary(job, "FINISHED").find("read from disk 1,200\n"),
            std::string::npos);
  EXPECT_NE(ProgressText().live(job, 1).find("read from disk 1,200\n"), std::string::npos);
}

}  // namespace
}  // namespace weir
