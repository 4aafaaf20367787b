// SPDX-License-Identifier: Apache-2.0
// The oracle against results worked out by hand, and the checkers against outputs that are wrong.
#include "testing/simulation/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing/simulation/job_spec.h"
#include "testing/simulation/output_checker.h"

namespace weir::simulation {
namespace {

JobSpec job_of(std::vector<InputRecord> records, StageSpec stage, bool ordered = false) {
  JobSpec job;
  SourceSpec source;
  source.splits.push_back({.records = std::move(records)});
  job.sources.push_back(source);
  stage.inputs = {0};
  job.stages.push_back(std::move(stage));
  job.sinks.push_back({.input = 1, .ordered = ordered});
  return job;
}

struct Short {
  std::uint32_t key;
  std::int64_t value;
  Millis time;
  std::uint32_t count;
  friend bool operator==(const Short&, const Short&) = default;
};
std::ostream& operator<<(std::ostream& out, const Short& record) {
  return out << '(' << record.key << ", " << record.value << ", " << record.time << ", "
             << record.count << ')';
}

std::vector<Short> run(const JobSpec& job) {
  std::vector<Short> out;
  const std::vector<ExpectedSink> expected = interpret(job);
  for (const OracleRecord& record : expected[0].records) {
    out.push_back({record.key, record.value, record.time, record.made_from.count});
  }
  return out;
}

TEST(OracleTest, TumblingSumsCountEachRecordOnceAndFloorNegativeTimes) {
  const JobSpec job = job_of({{1, 10, -1}, {1, 20, -10}, {1, 30, 0}, {2, 5, 9}, {1, 7, 10}},
                             {.kind = StageKind::kTumbling, .size = 10});
  // A sum is of value + 1.
  EXPECT_EQ(run(job),
            (std::vector<Short>{{1, 8, 19, 1}, {1, 31, 9, 1}, {1, 32, -1, 2}, {2, 6, 9, 1}}));
}

TEST(OracleTest, SlidingSumsPutARecordIntoEveryWindowThatHoldsItsTime) {
  const JobSpec job =
      job_of({{1, 1, 5}, {1, 10, 12}}, {.kind = StageKind::kSliding, .size = 10, .slide = 4});
  // Windows that hold 5: [-4,6) [0,10) [4,14); that hold 12: [4,14) [8,18) [12,22).
  EXPECT_EQ(run(job),
            (std::vector<Short>{
                {1, 2, 5, 1}, {1, 2, 9, 1}, {1, 11, 17, 1}, {1, 11, 21, 1}, {1, 13, 13, 2}}));
}

TEST(OracleTest, SessionsCloseAfterTheGapAndNotBefore) {
  const JobSpec job = job_of({{1, 1, 20}, {1, 2, 0}, {1, 3, 9}},
                             {.kind = StageKind::kSessions, .size = 10}, /*ordered=*/true);
  EXPECT_EQ(run(job), (std::vector<Short>{{1, folded_value(folded_value(0, 2), 3), 19, 2},
                                          {1, folded_value(0, 1), 30, 1}}));
}

TEST(OracleTest, RunningFoldFollowsEventTimeAndNotArrival) {
  const JobSpec job = job_of({{1, 5, 30}, {1, 7, 10}, {1, 9, 20}},
                             {.kind = StageKind::kRunningFold}, /*ordered=*/true);
  const std::int64_t second = folded_value(7, 9);
  EXPECT_EQ(run(job), (std::vector<Short>{
                          {1, 7, 10, 1}, {1, second, 20, 2}, {1, folded_value(second, 5), 30, 3}}));
}

TEST(OracleTest, TotalsAndLargestAndCollectedReduceAllRecordsOfAKey) {
  const std::vector<InputRecord> records = {{1, 5, 1}, {1, 3, 2}, {2, 4, 3}};
  EXPECT_EQ(run(job_of(records, {.kind = StageKind::kTotals})),
            (std::vector<Short>{{1, 13, kTotalsAt, 2}, {2, 8, kTotalsAt, 1}}));
  EXPECT_EQ(run(job_of(records, {.kind = StageKind::kTumblingReduce, .size = 10})),
            (std::vector<Short>{{1, 5, 9, 2}, {2, 4, 9, 1}}));
  EXPECT_EQ(run(job_of(records, {.kind = StageKind::kCollected, .size = 10})),
            (std::vector<Short>{{1, folded_value(folded_value(0, 3), 5), 9, 2},
                                {2, folded_value(0, 4), 9, 1}}));
}

TEST(OracleTest, ABroadcastJoinShowsAllOfTheOtherStreamToEveryKey) {
  JobSpec job = job_of({{1, 5, 1}, {1, 3, 2}, {2, 4, 3}}, {.kind = StageKind::kBroadcastJoin});
  SourceSpec other;
  other.splits.push_back({.records = {{7, 10, 1}, {3, 20, 2}, {7, 30, 3}}});
  job.sources.push_back(other);
  job.stages[0].inputs = {0, 1};
  job.sinks[0].input = 2;
  const std::int64_t digest = folded_value(folded_value(0, 21 + 3), 42 + 7);
  EXPECT_EQ(run(job),
            (std::vector<Short>{{1, digest + 8, kTotalsAt, 5}, {2, digest + 4, kTotalsAt, 4}}));
}

TEST(OracleTest, HighestWatermarkOfARecordIsWhatItsSplitHadReachedBefore) {
  JobSpec job = job_of({{1, 1, 100}, {1, 2, 50}}, {});
  job.sources[0].out_of_orderness = 10;
  const auto highest = highest_watermarks(job);
  EXPECT_EQ(highest.at(mixed({0, 0, 0})), std::numeric_limits<Millis>::min());
  EXPECT_EQ(highest.at(mixed({0, 0, 1})), 89);
}

class OutputCheckerTest : public ::testing::Test {
 protected:
  const JobSpec job_ = job_of({{1, 5, 30}, {1, 7, 10}, {1, 9, 20}, {2, 1, 5}},
                              {.kind = StageKind::kRunningFold}, /*ordered=*/true);
  const OutputChecker checker_{job_};
  CommittedOutput right_ = {interpret(job_)[0].records};
};

TEST_F(OutputCheckerTest, AcceptsTheExpectedOutput) {
  EXPECT_EQ(checker_.check_finished(right_), std::nullopt);
}

TEST_F(OutputCheckerTest, ReportsALostRecordOnlyWhenTheJobHasFinished) {
  right_[0].pop_back();
  EXPECT_EQ(checker_.check_running(right_), std::nullopt);
  EXPECT_NE(checker_.check_finished(right_), std::nullopt);
}

TEST_F(OutputCheckerTest, ReportsARepeatedRecordAtOnce) {
  right_[0].push_back(right_[0].front());
  EXPECT_NE(checker_.check_running(right_), std::nullopt);
}

TEST_F(OutputCheckerTest, ReportsRecordsOfAKeyOutOfOrder) {
  std::swap(right_[0][1], right_[0][2]);
  EXPECT_NE(checker_.check_running(right_), std::nullopt);
}

TEST_F(OutputCheckerTest, NamesTheSourceRecordThatIsMissingInAResult) {
  for (OracleRecord& record : right_[0]) {
    if (record.made_from.count == 3) record.made_from.sum -= mixed({0, 0, 1});
  }
  const auto wrong = checker_.check_finished(right_);
  ASSERT_NE(wrong, std::nullopt);
  EXPECT_NE(wrong->find("lost: record 1 of split 0 of source 0"), std::string::npos) << *wrong;
}

class LateWindowCheckerTest : public ::testing::Test {
 protected:
  LateWindowCheckerTest() {
    job_ = job_of({{1, 5, 100}, {1, 7, 10}, {1, 9, 12}},
                  {.kind = StageKind::kLateWindow, .size = 10, .lateness = 5});
    job_.sources[0].out_of_orderness = 20;
    job_.sinks.push_back({.input = 1, .late = true});
    input_ = interpret(job_)[0].window_input;
  }
  OracleRecord result(Millis end, std::vector<std::size_t> of) const {
    OracleRecord made{1, 0, end - 1, {}};
    for (const std::size_t i : of) {
      ++made.made_from.count;
      made.made_from.sum += input_[i].made_from.sum;
    }
    return made;
  }
  JobSpec job_;
  std::vector<OracleRecord> input_;
};

TEST_F(LateWindowCheckerTest, AcceptsEveryRecordInAResultOrLate) {
  const OutputChecker checker(job_);
  EXPECT_EQ(checker.check_finished({{result(110, {0}), result(20, {1, 2})}, {}}), std::nullopt);
  EXPECT_EQ(checker.check_finished({{result(110, {0}), result(20, {1})}, {input_[2]}}),
            std::nullopt);
  // The window fired, then fired again with the record that came within the lateness.
  EXPECT_EQ(checker.check_finished({{result(110, {0}), result(20, {1}), result(20, {1, 2})}, {}}),
            std::nullopt);
}

TEST_F(LateWindowCheckerTest, RejectsLostAndRepeatedAndImpossiblyLateRecords) {
  const OutputChecker checker(job_);
  EXPECT_NE(checker.check_finished({{result(110, {0}), result(20, {1})}, {}}), std::nullopt);
  EXPECT_NE(checker.check_finished({{result(110, {0}), result(20, {1, 2})}, {input_[2]}}),
            std::nullopt);
  EXPECT_NE(checker.check_finished({{result(20, {1, 2})}, {input_[0]}}), std::nullopt);
}

TEST(JobGeneratorTest, SameSeedGivesTheSameJobAndNoTwoRecordsShareATime) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const JobSpec job = generate_job(seed, {});
    EXPECT_EQ(describe(job), describe(generate_job(seed, {})));
    EXPECT_FALSE(job.sinks.empty());
    std::vector<Millis> times;
    for (const SourceSpec& source : job.sources) {
      for (const SplitSpec& split : source.splits) {
        for (const InputRecord& record : split.records) times.push_back(record.time);
      }
    }
    std::sort(times.begin(), times.end());
    EXPECT_EQ(std::adjacent_find(times.begin(), times.end()), times.end()) << "seed " << seed;
  }
}

TEST(JobGeneratorTest, SomeJobsJoinABroadcastStream) {
  const auto joins = [](const JobSpec& job) {
    return std::any_of(job.stages.begin(), job.stages.end(), [](const StageSpec& stage) {
      return stage.kind == StageKind::kBroadcastJoin;
    });
  };
  int jobs = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const JobSpec job = generate_job(seed, {});
    jobs += joins(job) ? 1 : 0;
    const JobSpec without = generate_job(seed, {.broadcast_joins = false});
    EXPECT_FALSE(joins(without));
    if (!joins(job)) {
      EXPECT_EQ(describe(job), describe(without));
    }
  }
  EXPECT_GT(jobs, 20);
}

TEST(JobGeneratorTest, RecordsStayWithinTheBoundUnlessTheJobIsAboutLateOnes) {
  int late_jobs = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const JobSpec job = generate_job(seed, {});
    const auto highest = highest_watermarks(job);
    bool late = false;
    for (std::uint32_t source = 0; source < job.sources.size(); ++source) {
      const auto& splits = job.sources[source].splits;
      for (std::uint32_t split = 0; split < splits.size(); ++split) {
        for (std::uint32_t i = 0; i < splits[split].records.size(); ++i) {
          late |= splits[split].records[i].time <= highest.at(mixed({source, split, i}));
        }
      }
    }
    late_jobs += late ? 1 : 0;
    const bool has_late_window =
        std::any_of(job.stages.begin(), job.stages.end(),
                    [](const StageSpec& stage) { return stage.kind == StageKind::kLateWindow; });
    if (!has_late_window && late) {
      // Such a job has only steps, which do not look at time.
      for (const StageSpec& stage : job.stages) EXPECT_EQ(stage.kind, StageKind::kSteps);
    }
  }
  EXPECT_GT(late_jobs, 10);
}

}  // namespace
}  // namespace weir::simulation
