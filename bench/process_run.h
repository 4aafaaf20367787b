// SPDX-License-Identifier: Apache-2.0
// Runs a subject in a process of its own, so that its memory can be told.
#pragma once

#include "bench/comparison.h"
#include "bench/measurement.h"

namespace weir::bench {

/// Runs one pass of `subject` in a child process. Times and memory are those of the whole process,
/// as the system counted them.
///
/// Requires: this process has no other threads.
Measurement run_in_process(const Subject& subject);

}  // namespace weir::bench
