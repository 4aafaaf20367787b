// SPDX-License-Identifier: Apache-2.0
// The keyed states that functions declare: ValueState, ListState, MapState, ReducingState,
// AggregatingState.
#pragma once

#include "core/keyed_state.h"
