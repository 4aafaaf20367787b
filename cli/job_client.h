// SPDX-License-Identifier: Apache-2.0
// Asks a running job at its control socket.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/time.h"

namespace weir::cli {

/// The path without slashes at its end.
std::string without_slash(std::string path);

/// Sends the request to the job of this directory and returns its answer, an object.
///
/// Errors: those of ask_job; failed precondition with the job's reason if it refuses.
Result<nlohmann::json> ask(const std::string& job, const nlohmann::json& request, Duration limit);

}  // namespace weir::cli
