// SPDX-License-Identifier: Apache-2.0
// Drawing the faults of one simulation.
#include "testing/simulation/fault_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weir::simulation {
namespace {

struct KindRule {
  FaultKind kind;
  std::uint64_t count_max;
  Nanos extent_max;  // nanoseconds, records, file changes or seconds
};
constexpr KindRule kRules[] = {
    {FaultKind::kTaskManagerCrash, 4, 0},
    {FaultKind::kJobManagerCrash, 3, 0},
    {FaultKind::kKillAll, 2, 0},
    {FaultKind::kPowerLoss, 2, 0},
    {FaultKind::kCrashAtFileChange, 3, 60},
    {FaultKind::kPowerLossAtFileChange, 3, 60},
    {FaultKind::kPause, 4, 40 * kSecond},
    {FaultKind::kPartition, 3, 20 * kSecond},
    {FaultKind::kUserFailure, 4, 400},
    {FaultKind::kDamagedCheckpoint, 1, 0},
    {FaultKind::kClockJump, 3, 1200},
    {FaultKind::kStopWithCheckpoint, 2, 0},
    {FaultKind::kSavepoint, 3, 0},
    {FaultKind::kStopWithSavepoint, 2, 0},
    {FaultKind::kCancel, 1, 0},
};
constexpr KindRule kFurtherRules[] = {
    {FaultKind::kFullDisk, 3, 10 * kSecond},
    {FaultKind::kRottenFile, 2, 0},
    {FaultKind::kStopWithDrain, 1, 0},
};

// When the last record of the job appears.
Nanos life_of(const JobSpec& job) {
  Nanos last = 0;
  for (const SourceSpec& source : job.sources) {
    for (const SplitSpec& split : source.splits) {
      last = std::max(last, split.first_at_nanos +
                                split.interval_nanos * static_cast<Nanos>(split.records.size()));
    }
  }
  return last;
}

void draw_network(NetworkFaults& network, Rng& rng) {
  const auto sometimes = [&rng](double most) {
    return rng.chance(0.5) ? most * rng.uniform_double() : 0.0;
  };
  if (rng.chance(0.5)) {
    network.delay_min = rng.uniform_between(0, 30) * kMillisecond;
    network.delay_max = network.delay_min + rng.uniform_between(30, 200) * kMillisecond;
  }
  network.loss = sometimes(0.3);
  network.duplicate = sometimes(0.5);
  network.reply_lost = sometimes(0.2);
  network.stale_copy = sometimes(0.1);
}

void add_faults(FaultPlan& plan, const KindRule& rule, Rng& rng) {
  for (std::uint64_t count = 1 + rng.uniform(rule.count_max); count > 0; --count) {
    PlannedFault fault;
    fault.kind = rule.kind;
    fault.at = rng.uniform_between(0, plan.ends_at);
    if (rule.extent_max > 0) fault.extent = rng.uniform_between(1, rule.extent_max);
    plan.faults.push_back(fault);
  }
}

// Drawn apart, so that seeds keep the faults they had before there were these.
void add_further_faults(FaultPlan& plan, std::uint64_t seed) {
  Rng rng(splitmix64(seed ^ 0x66757274686572));
  for (const KindRule& rule : kFurtherRules) {
    if (rng.chance(0.3)) add_faults(plan, rule, rng);
  }
  if (rng.chance(0.25)) plan.files.late = 0.1 * rng.uniform_double();
  if (rng.chance(0.5)) plan.crash_after_stop = rng.uniform_double();
  std::sort(plan.faults.begin(), plan.faults.end(), [](const auto& a, const auto& b) {
    return std::pair(a.at, a.kind) < std::pair(b.at, b.kind);
  });
}

}  // namespace

FaultPlan make_calm_plan() { return {}; }

FaultPlan make_fault_plan(std::uint64_t seed, const JobSpec& job) {
  Rng rng(splitmix64(seed ^ 0x6661756C74));
  FaultPlan plan;
  draw_network(plan.network, rng);
  if (rng.chance(0.4)) plan.files.error_before = 0.03 * rng.uniform_double();
  if (rng.chance(0.4)) plan.files.error_after = 0.03 * rng.uniform_double();
  if (rng.chance(0.5)) plan.stepping.budget_max = 1 + rng.uniform(16);
  if (rng.chance(0.3)) {
    plan.stepping.stall = 0.002 * rng.uniform_double();
    plan.stepping.stall_max = 2 * kSecond;
  }
  if (rng.chance(0.3)) plan.blocking_delay_max = kSecond;
  plan.restart_delay_max = rng.chance(0.3) ? 30 * kSecond : 2 * kSecond;

  const Nanos life = life_of(job) + kSecond;
  plan.ends_at = life + rng.uniform_between(0, life);
  for (const KindRule& rule : kRules) {
    if (rng.chance(0.5)) add_faults(plan, rule, rng);
  }
  if (rng.chance(0.6)) {
    plan.incremental = MergeOptions{.small_chain_bytes = rng.uniform(2) * 4000,
                                    .small_chain_runs = 2 + rng.uniform(6),
                                    .slices = static_cast<std::uint32_t>(1 + rng.uniform(8)),
                                    .runs_max = 3 + rng.uniform(12),
                                    .group_runs = 2 + rng.uniform(2)};
  }
  if (rng.chance(0.5)) plan.inline_bytes = rng.uniform(500);
  add_further_faults(plan, seed);
  if (plan.incremental && rng.chance(0.6)) plan.table_bytes = 500 + rng.uniform(6000);
  return plan;
}

std::string_view name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kTaskManagerCrash: return "TaskManager crash";
    case FaultKind::kJobManagerCrash: return "JobManager crash";
    case FaultKind::kKillAll: return "kill of all";
    case FaultKind::kPowerLoss: return "loss of power";
    case FaultKind::kCrashAtFileChange: return "crash at a file change";
    case FaultKind::kPowerLossAtFileChange: return "loss of power at a file change";
    case FaultKind::kPause: return "pause";
    case FaultKind::kPartition: return "partition";
    case FaultKind::kUserFailure: return "user failure";
    case FaultKind::kDamagedCheckpoint: return "damaged checkpoint";
    case FaultKind::kClockJump: return "clock jump";
    case FaultKind::kStopWithCheckpoint: return "stop with checkpoint";
    case FaultKind::kSavepoint: return "savepoint";
    case FaultKind::kStopWithSavepoint: return "stop with savepoint";
    case FaultKind::kCancel: return "cancel";
    case FaultKind::kFullDisk: return "full disk";
    case FaultKind::kRottenFile: return "rotten file";
    case FaultKind::kStopWithDrain: return "stop with drain";
  }
  return "?";
}

std::string describe(const FaultPlan& plan) {
  std::string text = fmt::format(
      "faults until {:.3f} s: message delay {:.3f}-{:.3f} ms, loss {:.2f}, duplicates {:.2f}, "
      "lost replies {:.2f}, stale copies {:.2f}; file errors {:.3f} before, {:.3f} after, {:.3f} "
      "late\n",
      static_cast<double>(plan.ends_at) * 1e-9, static_cast<double>(plan.network.delay_min) * 1e-6,
      static_cast<double>(plan.network.delay_max) * 1e-6, plan.network.loss, plan.network.duplicate,
      plan.network.reply_lost, plan.network.stale_copy, plan.files.error_before,
      plan.files.error_after, plan.files.late);
  for (const PlannedFault& fault : plan.faults) {
    text += fmt::format("  {:.3f} s: {} ({})\n", static_cast<double>(fault.at) * 1e-9,
                        name_of(fault.kind), fault.extent);
  }
  return text;
}

}  // namespace weir::simulation
