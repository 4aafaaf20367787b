// SPDX-License-Identifier: Apache-2.0
// RunChain: that no merge loses or revives a key, and what merging costs.
#include "state/incremental/run_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"

namespace weir {
namespace {

constexpr HashRange kRange{1000, 17000};

StateFile file(const std::string& name, std::uint64_t size) { return {name, "", size, 0}; }

/// Appends runs of random sizes, merges as planned, and follows the bytes.
struct Simulated {
  Simulated(MergeOptions options, double live_bytes) : chain(kRange, options), live(live_bytes) {}

  void checkpoint(std::uint64_t size) {
    changed += static_cast<double>(size);
    const std::vector<HashRange> parts = chain.parts_of_next(size);
    for (const HashRange part : parts) {
      chain.append(file("delta-" + std::to_string(++files), size / parts.size()), part);
    }
    while (const auto plan = chain.next_merge()) {
      const auto before = winners();
      const double share = static_cast<double>(plan->range.end - plan->range.first) /
                           static_cast<double>(kRange.end - kRange.first);
      // What is merged with the oldest is the live state; of deltas nothing falls away.
      double bytes = 0;
      for (const StateRun& run : plan->inputs) bytes += sizes[run.file.path];
      const auto result = static_cast<std::uint64_t>(plan->is_oldest ? live * share : bytes);
      const std::string name = "merged-" + std::to_string(++files);
      merged += static_cast<double>(result);
      sizes[name] = static_cast<double>(result);
      chain.replace(*plan, file(name, result));
      plans[name] = *plan;
      // Every hash is decided by the merge if it was decided by one of its inputs.
      const auto after = winners();
      ASSERT_EQ(after.size(), before.size());
      for (const auto& [hash, winner] : after) {
        const bool was_input =
            std::ranges::any_of(plan->inputs, [&, hash = hash](const StateRun& run) {
              return run.range.contains(hash) && run.file.path == before.at(hash);
            });
        ASSERT_EQ(winner, was_input ? name : before.at(hash)) << "hash " << hash;
      }
    }
  }
  /// Whether a file holds an entry of this hash: those of changes do, and what was merged of them.
  bool holds(const std::string& name, std::uint32_t hash) const {
    const auto plan = plans.find(name);
    return plan == plans.end() ||
           std::ranges::any_of(plan->second.inputs, [&](const StateRun& run) {
             return run.range.contains(hash) && holds(run.file.path, hash);
           });
  }
  /// Which run wins for each hash, by name.
  std::map<std::uint32_t, std::string> winners() const {
    std::map<std::uint32_t, std::string> result;
    for (auto hash = static_cast<std::uint32_t>(kRange.first); hash < kRange.end; hash += 1500) {
      for (const StateRun& run : chain.runs()) {
        if (run.range.contains(hash) && holds(run.file.path, hash)) result[hash] = run.file.path;
      }
    }
    return result;
  }
  double stored() const {
    std::map<std::string, double> distinct;
    for (const StateRun& run : chain.runs()) {
      distinct[run.file.path] = static_cast<double>(run.file.size);
    }
    double sum = 0;
    for (const auto& [name, bytes] : distinct) sum += bytes;
    return sum;
  }

  RunChain chain;
  double live;
  double changed = 0;
  double merged = 0;
  std::uint64_t files = 0;
  std::map<std::string, double> sizes;
  std::map<std::string, MergePlan> plans;  // by what came of them
};

TEST(RunChainTest, AtTwoPerCentOfChangeMergesAndStorageStayWithinTheirBounds) {
  constexpr double kLive = 1e9;
  Simulated chain(MergeOptions{}, kLive);
  chain.checkpoint(static_cast<std::uint64_t>(kLive));
  chain.changed = 0;
  double most_stored = 0;
  std::size_t most_runs = 0;
  for (int i = 0; i < 400; ++i) {
    chain.checkpoint(static_cast<std::uint64_t>(kLive * 0.02));
    most_stored = std::max(most_stored, chain.stored());
    most_runs = std::max(most_runs, chain.chain.size());
  }
  EXPECT_LE(chain.merged, 2 * chain.changed);
  EXPECT_LE(most_stored, 2 * kLive);
  EXPECT_LE(most_runs, 100U);
}

TEST(RunChainTest, ChainsStayBoundedHoweverSmallTheChanges) {
  Simulated chain(MergeOptions{}, 1e9);
  chain.checkpoint(1'000'000'000);
  for (int i = 0; i < 600; ++i) chain.checkpoint(100'000);
  EXPECT_LE(chain.chain.size(), MergeOptions{}.runs_max);
}

TEST(RunChainTest, ASmallChainBecomesOneRun) {
  Simulated chain(MergeOptions{.small_chain_runs = 4}, 1000);
  for (int i = 0; i < 3; ++i) chain.checkpoint(1000);
  EXPECT_EQ(chain.chain.size(), 3U);
  chain.checkpoint(1000);
  EXPECT_EQ(chain.chain.size(), 1U);
}

TEST(RunChainTest, RandomChainsDecideEveryHashAsBefore) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed);
    const MergeOptions options{
        .small_chain_bytes = rng.uniform(3000),
        .small_chain_runs = 2 + rng.uniform(5),
        .merged_per_changed = 0.5 + static_cast<double>(rng.uniform(30)) / 10,
        .slices = static_cast<std::uint32_t>(1 + rng.uniform(20)),
        .runs_max = 3 + rng.uniform(20),
        .group_runs = 2 + rng.uniform(3)};
    Simulated chain(options, 10000);
    for (int i = 0; i < 60; ++i) {
      chain.checkpoint(1 + rng.uniform(rng.chance(0.1) ? 10000 : 500));
      if (rng.chance(0.1)) chain.chain.restore(chain.chain.runs());
    }
  }
}

}  // namespace
}  // namespace weir
