// SPDX-License-Identifier: Apache-2.0
// Names of the ways to run an operator.
#include "testing/operator_harness.h"

namespace weir::testing {

const char* to_string(HarnessMode mode) {
  switch (mode) {
    case HarnessMode::kPlain: return "plain";
    case HarnessMode::kSingleRecords: return "single records";
    case HarnessMode::kRestored: return "restored after every element";
    case HarnessMode::kSmallBudget: return "small budget";
    case HarnessMode::kManyWatermarks: return "many watermarks";
  }
  return "";
}

}  // namespace weir::testing
