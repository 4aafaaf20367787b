// SPDX-License-Identifier: Apache-2.0
// Runs a program and takes what it prints.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace weir::cli {

/// Runs `program`, found like a shell finds it, to its end, and returns its standard output. Its
/// standard error goes where ours goes.
///
/// Errors: not found; failed precondition for another exit status than 0 or a signal; resource
///         exhausted for more than 64 MiB.
Result<std::string> output_of_program(const std::string& program,
                                      const std::vector<std::string>& arguments);

}  // namespace weir::cli
