// SPDX-License-Identifier: Apache-2.0
// From the stream graph to a program: checks everything, chains operators, reports all mistakes.
#pragma once

#include <weir/execution_settings.h>

#include <memory>
#include <string>
#include <vector>

#include "api/graph/stream_graph.h"
#include "base/status.h"
#include "core/program.h"

namespace weir::detail {

/// Builds the program, or reports what is wrong with it, all at once.
///
/// An operator is chained behind the one that feeds it if that is its only input, records are
/// forwarded, parallelism, max parallelism and slot sharing group agree, and neither forbids it.
/// An operator for which the program names no max parallelism takes that of its chain.
///
/// Errors: invalid argument; a line for each of `mistakes` and of those found here, each naming the
///         operator.
/// Source: Flink, StreamingJobGraphGenerator.isChainable.
Result<std::shared_ptr<const Program>> build_program(const StreamGraph& graph,
                                                     const std::string& job_name,
                                                     const ExecutionSettings& settings,
                                                     std::vector<std::string> mistakes);

/// Everything that is wrong with the stream graph, a line each.
std::vector<std::string> graph_mistakes(const StreamGraph& graph,
                                        const ExecutionSettings& settings);

/// "sink 'alerts'": how people are told which operator is meant.
std::string display_name(const Transformation& transformation);

}  // namespace weir::detail
