// SPDX-License-Identifier: Apache-2.0
// The default run of the simulation: some hundred seeds, and proofs that a broken run is reported.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/simulation/seed_runner.h"

namespace weir::simulation {
namespace {

constexpr std::uint64_t kSeedsDefault = 500;
constexpr std::uint64_t kShards = 10;

std::uint64_t seed_count() {
  const char* const wanted = std::getenv("WEIR_SIMULATION_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : kSeedsDefault;
}

std::string replay_command(std::uint64_t seed) {
  return fmt::format("{}/bin/weir_simulation --replay {} --trace", WEIR_BINARY_DIR, seed);
}

class SeedsTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SeedsTest, KeepEveryInvariant) {
  const std::uint64_t all = seed_count();
  const std::uint64_t from = all * GetParam() / kShards;
  const std::uint64_t end = all * (GetParam() + 1) / kShards;
  if (from == end) return;
  SeedRunnerOptions options;
  options.on_failure = SeedRunnerOptions::OnFailure::kGoOn;
  const SeedSummary summary =
      run_seeds({from, end - from}, options, [](std::uint64_t seed, const std::string& violation) {
        ADD_FAILURE() << "seed " << seed << ": " << violation
                      << "\nreplay: " << replay_command(seed);
      });
  EXPECT_EQ(summary.passed, end - from);
  // A simulation in which nothing happens proves nothing.
  if (end - from >= 20) {
    EXPECT_GT(summary.counts.checkpoints, 0U);
    EXPECT_GT(summary.counts.restarts, 0U);
    EXPECT_GT(summary.counts.crashes, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, SeedsTest, ::testing::Range<std::uint64_t>(0, kShards));

// Seeds that found something once:
// 1672: every stop with a savepoint left one checkpoint more, start after start;
// 8263, 40169: an attempt that was cut off left a hidden output file after the end of the job.
TEST(SimulationTest, SeedsThatFoundSomethingKeepEveryInvariant) {
  for (const std::uint64_t seed : {1672, 8263, 40169}) {
    EXPECT_EQ(simulate(seed, {}).violation, std::nullopt) << "replay: " << replay_command(seed);
  }
}

TEST(SimulationTest, SameSeedGivesTheSameTrace) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    EXPECT_EQ(simulate(seed, {}).trace_hash, simulate(seed, {}).trace_hash) << "seed " << seed;
  }
  EXPECT_NE(simulate(1, {}).trace_hash, simulate(2, {}).trace_hash);
}

TEST(SimulationTest, TraceIsTheSameWhetherItIsPrintedOrNot) {
  SimulationOptions printing;
  std::uint64_t lines = 0;
  printing.printer = [&lines](const std::string&) { ++lines; };
  EXPECT_EQ(simulate(4, printing).trace_hash, simulate(4, {}).trace_hash);
  EXPECT_GT(lines, 100U);
}

TEST(SimulationTest, CanaryIsReportedWithItsSeed) {
  SeedRunnerOptions options;
  options.simulation.canary = true;
  std::uint64_t reported = 0;
  const SeedSummary summary =
      run_seeds({10, 3}, options, [&reported](std::uint64_t seed, const std::string& violation) {
        reported = seed;
        EXPECT_NE(violation.find("I1"), std::string::npos) << violation;
      });
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_EQ(reported, 10U);
  EXPECT_EQ(summary.first_failed, 10U);
}

}  // namespace
}  // namespace weir::simulation
