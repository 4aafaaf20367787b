// SPDX-License-Identifier: Apache-2.0
// Commits of the simulation's own sink.
#include "testing/simulation/transactional_store.h"

#include <fmt/format.h>

namespace weir::simulation {

void TransactionalStore::commit(const SegmentId& id, const std::vector<OracleRecord>& records) {
  const auto name = [&id] {
    return fmt::format("segment of sink {}, subtask {}, checkpoint {}", id.sink, id.subtask.value(),
                       id.checkpoint.value());
  };
  const auto found = segments_.find(id);
  if (found != segments_.end()) {
    if (found->second != records) {
      report_(fmt::format("I9: {} committed again with other records: {} now, {} before", name(),
                          records.size(), found->second.size()));
    }
    return;
  }
  if (!is_durable_(id.checkpoint)) {
    report_(fmt::format("I9: {} committed, but its checkpoint is not durable", name()));
  }
  segments_.emplace(id, records);
  order_.push_back(id);
}

void TransactionalStore::take_over(const TransactionalStore& other) {
  segments_ = other.segments_;
  order_ = other.order_;
}

std::vector<OracleRecord> TransactionalStore::committed(std::uint32_t sink) const {
  std::vector<OracleRecord> records;
  for (const SegmentId& id : order_) {
    if (id.sink != sink) continue;
    const std::vector<OracleRecord>& segment = segments_.at(id);
    records.insert(records.end(), segment.begin(), segment.end());
  }
  return records;
}

}  // namespace weir::simulation
