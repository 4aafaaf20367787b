// SPDX-License-Identifier: Apache-2.0
// Ignoring a Status does not compile where warnings are errors.
// expect: ignoring return
#pragma GCC diagnostic error "-Wunused-result"
#include "base/status.h"

weir::Status work();
void caller() { work(); }
