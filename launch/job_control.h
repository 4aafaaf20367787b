// SPDX-License-Identifier: Apache-2.0
// What an embedded job answers at its control socket.
#pragma once

#include <string>

#include "launch/control_server.h"
#include "launch/embedded_cluster.h"

namespace weir {

/// Answers the requests of `weir list`, `stop`, `cancel` and `savepoint trigger`, each a JSON
/// object with `command`: "status", "savepoint", "stop" or "cancel". Without a `directory` of their
/// own, savepoints go to `savepoint_directory`. `cluster` outlives the service.
ControlService make_job_control(EmbeddedCluster& cluster, std::string savepoint_directory);

}  // namespace weir
