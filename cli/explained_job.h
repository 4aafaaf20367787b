// SPDX-License-Identifier: Apache-2.0
// A job's graph as `--explain json` prints it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "state/snapshot/restore_plan.h"

namespace weir::cli {

/// Reads operators and states out of what a job printed; what its own main() prints before the
/// graph, on lines of its own, is passed over.
///
/// Errors: invalid argument, saying what is missing.
Result<std::vector<PlannedOperator>> parse_explained_job(std::string_view output);

/// The name of the job. Errors: as above.
Result<std::string> parse_explained_name(std::string_view output);

}  // namespace weir::cli
