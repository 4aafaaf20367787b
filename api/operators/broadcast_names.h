// SPDX-License-Identifier: Apache-2.0
// Whether the broadcast states that a function declares are those that a stream is broadcast for.
#pragma once

#include <string>
#include <vector>

#include "api/graph/stream_graph.h"

namespace weir::detail {

/// Notes as mistakes of the operator where its broadcast states and `names`, of those that its
/// broadcast stream is for, differ.
void check_broadcast_names(const std::vector<std::string>& names, Transformation& transformation);

}  // namespace weir::detail
