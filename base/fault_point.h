// SPDX-License-Identifier: Apache-2.0
// Named places where a test lets the process end at once, as kill -9 would.
#pragma once

#include <string_view>

#include "base/status.h"

namespace weir {

/// Arms one fault point: the process ends the `count`-th time it is reached. `spec` is `NAME` or
/// `NAME:COUNT`. Errors: invalid argument. Thread: before any other thread runs.
Status arm_fault_point(std::string_view spec);

/// Ends the process with SIGKILL if `name` is armed and due; else costs one relaxed load.
void fault_point(std::string_view name);

}  // namespace weir
