// SPDX-License-Identifier: Apache-2.0
// TransactionalSink: the simulation's own exactly-once sink, over a TransactionalStore.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/sink.h"
#include "core/state_table.h"
#include "testing/simulation/sim_record.h"
#include "testing/simulation/transactional_store.h"

namespace weir::simulation {

/// Options of the sink, as `sink_to` takes them.
struct TransactionalSink {
  /// Outlives the job; shared by all writers.
  TransactionalStore* store = nullptr;
  std::uint32_t sink = 0;
  /// `JobSpec::padding`.
  std::uint32_t padding = 0;

  std::vector<std::string> validate() const { return {}; }
  bool commits() const { return true; }
  std::vector<StateDescriptor> states() const;
  std::unique_ptr<SinkWriter<SimRecord>> make_writer() const;
};

}  // namespace weir::simulation
