// SPDX-License-Identifier: Apache-2.0
// Standard input, output and error of the process, when the caller closed or filled them.
#pragma once

#include <string_view>

#include "base/status.h"

namespace weir {

/// Opens what the caller left closed of the descriptors 0, 1 and 2, so that no file that is opened
/// later takes their numbers and gets what is printed. Standard output then fails like a closed
/// one; what goes to standard error is dropped.
///
/// Thread: before any file is opened.
void reserve_standard_streams();

/// Writes all of `text` to standard output and flushes.
///
/// Errors: external, not to be retried: what was written is beyond recall. A pipe without a reader
///         is an error only where SIGPIPE is ignored.
/// Thread: any; calls do not mix their text.
Status write_standard_output(std::string_view text);

}  // namespace weir
