// SPDX-License-Identifier: Apache-2.0
// Every configuration key of a job, with Flink's name where Flink has the concept.
#pragma once

#include "base/options.h"

namespace weir {

/// Returns a configuration that holds the defaults of all keys.
Configuration default_configuration();

}  // namespace weir
