// SPDX-License-Identifier: Apache-2.0
// ExecutionSettings: how a job is run, apart from what it does.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/job_graph.h"

namespace weir {

/// What the command line, the configuration file and tests say about a run.
struct ExecutionSettings {
  /// Whether `execute` runs the job or prints its plan.
  enum class Explain { kRun, kText, kJson };
  enum class Chaining { kOn, kOff };
  enum class Progress { kAuto, kLive, kPlain, kNone };

  /// Of every vertex whose parallelism the program does not set.
  Parallelism parallelism{1};
  /// Of every vertex whose max parallelism the program does not set; none: from its parallelism.
  std::optional<MaxParallelism> max_parallelism = {};
  Chaining chaining = Chaining::kOn;
  CheckpointOptions checkpoints = {};
  RestartStrategy restart = {};
  std::string checkpoint_directory = "checkpoints";
  /// "latest", or the path of a checkpoint; empty for a fresh start.
  std::string restore = {};
  Explain explain = Explain::kRun;
  Progress progress = Progress::kAuto;
  /// Every configuration key that was set, as text.
  std::map<std::string, std::string> configuration = {};
  /// What was wrong with the options; `execute` reports it together with the program's mistakes.
  std::vector<std::string> mistakes = {};
};

}  // namespace weir
