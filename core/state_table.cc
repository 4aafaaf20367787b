// SPDX-License-Identifier: Apache-2.0
// The names of kinds and distributions.
#include "core/state_table.h"

#include "base/check.h"

namespace weir {

std::string_view to_string(StateKind kind) {
  switch (kind) {
    case StateKind::kValue: return "value";
    case StateKind::kList: return "list";
    case StateKind::kMap: return "map";
    case StateKind::kReducing: return "reducing";
    case StateKind::kAggregating: return "aggregating";
    case StateKind::kTimers: return "timers";
    case StateKind::kWindow: return "window";
    case StateKind::kBuffer: return "buffer";
    case StateKind::kOperator: return "operator";
    case StateKind::kBroadcast: return "broadcast";
  }
  WEIR_UNREACHABLE();
}

std::string_view to_string(StateDistribution distribution) {
  switch (distribution) {
    case StateDistribution::kKeyed: return "keyed";
    case StateDistribution::kSplit: return "split";
    case StateDistribution::kUnion: return "union";
    case StateDistribution::kBroadcast: return "broadcast";
  }
  WEIR_UNREACHABLE();
}

std::optional<StateKind> state_kind_named(std::string_view name) {
  for (int kind = 0; kind <= static_cast<int>(StateKind::kBroadcast); ++kind) {
    if (to_string(static_cast<StateKind>(kind)) == name) {
      return static_cast<StateKind>(kind);
    }
  }
  return std::nullopt;
}

std::optional<StateDistribution> state_distribution_named(std::string_view name) {
  for (int value = 0; value <= static_cast<int>(StateDistribution::kBroadcast); ++value) {
    if (to_string(static_cast<StateDistribution>(value)) == name) {
      return static_cast<StateDistribution>(value);
    }
  }
  return std::nullopt;
}

}  // namespace weir
