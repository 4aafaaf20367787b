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
  }
  WEIR_UNREACHABLE();
}

std::string_view to_string(StateDistribution distribution) {
  switch (distribution) {
    case StateDistribution::kKeyed: return "keyed";
    case StateDistribution::kSplit: return "split";
    case StateDistribution::kUnion: return "union";
  }
  WEIR_UNREACHABLE();
}

}  // namespace weir
