// SPDX-License-Identifier: Apache-2.0
// SourceLog: what a job that ended early had read.
#include "testing/simulation/source_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::simulation {
namespace {

OperatorInfo attempt(std::uint64_t job, std::uint32_t number) {
  OperatorInfo info;
  info.job = JobId{job};
  info.attempt = AttemptNumber{number};
  return info;
}

// One source with splits of five records.
JobSpec job_of(std::size_t splits) {
  JobSpec job;
  job.sources.resize(1);
  job.sources[0].splits.resize(splits);
  for (SplitSpec& split : job.sources[0].splits) split.records.resize(5);
  return job;
}

std::vector<std::size_t> read_of(const SourceLog& log, std::size_t splits) {
  std::vector<std::size_t> counts;
  const JobSpec job = log.cut_to_what_was_read(job_of(splits));
  for (const SplitSpec& split : job.sources[0].splits) {
    counts.push_back(split.records.size());
  }
  return counts;
}

TEST(SourceLogTest, SplitsThatNobodyHadAreUnreadAndThoseBeforeTheCheckpointAreReadWhole) {
  SourceLog log;
  log.begin(attempt(1, 1), 0, 2);
  log.read(attempt(1, 1), 0, 1, 3);  // it was being read at the checkpoint
  log.read(attempt(1, 1), 0, 2, 0);
  log.read(attempt(1, 1), 0, 2, 4);
  EXPECT_EQ(read_of(log, 4), (std::vector<std::size_t>{5, 3, 4, 0}));
}

TEST(SourceLogTest, OnlyTheNewestAttemptCountsWhateverOthersStillRead) {
  SourceLog log;
  log.begin(attempt(1, 7), 0, 0);
  log.read(attempt(1, 7), 0, 0, 5);
  log.begin(attempt(2, 1), 0, 0);
  log.read(attempt(2, 1), 0, 0, 1);
  log.begin(attempt(2, 2), 0, 0);
  log.read(attempt(2, 2), 0, 0, 2);
  log.read(attempt(2, 1), 0, 0, 4);
  EXPECT_EQ(read_of(log, 2), (std::vector<std::size_t>{2, 0}));
}

}  // namespace
}  // namespace weir::simulation
