// SPDX-License-Identifier: Apache-2.0
// weir savepoint inspect: what a checkpoint or savepoint consists of.
#pragma once

#include <string>

#include "cli/command_context.h"

namespace weir::cli {

struct InspectOptions {
  std::string path;
  bool as_json = false;
  bool with_key_groups = false;  ///< reads every entry
};

/// Returns the exit status.
int inspect_savepoint(const CommandContext& context, const InspectOptions& options);

}  // namespace weir::cli
