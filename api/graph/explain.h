// SPDX-License-Identifier: Apache-2.0
// Explains a program: what is chained with what, and for each edge that is not, why not.
#pragma once

#include <string>

#include "core/job_graph.h"

namespace weir {

/// The plan for people: each vertex with its operators, and where their records go.
std::string explain_text(const JobGraph& graph);
/// The plan as one JSON object, for programs.
std::string explain_json(const JobGraph& graph);

}  // namespace weir
