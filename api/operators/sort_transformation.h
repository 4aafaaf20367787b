// SPDX-License-Identifier: Apache-2.0
// What sorted_by_event_time adds to the program.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "api/graph/stream_graph.h"
#include "api/operators/sort_operator.h"

namespace weir::detail {

template <class T, class KeyBy>
Transformation sort_transformation(std::string id, const KeyBy& key_by) {
  Transformation result{.id = std::move(id), .type = "sort"};
  result.event_time = EventTimeUse::kNeeded;
  result.states = {SortBuffer<T>::describe(), FiredWatermarks(HashRange()).descriptor()};
  result.factory = [key_by] { return std::make_unique<SortOperator<T, KeyBy>>(key_by); };
  return result;
}

}  // namespace weir::detail
