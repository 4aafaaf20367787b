// SPDX-License-Identifier: Apache-2.0
// TransactionalStore: the outside system that the simulation's own sink commits to. It never
// crashes, and it notices what a sink must not do.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/ids.h"
#include "testing/simulation/oracle.h"

namespace weir::simulation {

/// Names what one sink subtask wrote between two checkpoints.
struct SegmentId {
  std::uint32_t sink = 0;
  CheckpointId checkpoint;
  SubtaskIndex subtask;
  friend auto operator<=>(const SegmentId&, const SegmentId&) = default;
};

/// An outside store with transactions: where the simulation-only sink commits to.
class TransactionalStore {
 public:
  /// Called with a sentence when a rule is broken.
  using Report = std::function<void(std::string)>;
  /// Tells whether a checkpoint would survive a loss of power right now.
  using IsDurable = std::function<bool(CheckpointId)>;

  TransactionalStore(Report report, IsDurable is_durable)
      : report_(std::move(report)), is_durable_(std::move(is_durable)) {}

  /// Makes a segment visible; a repeat changes nothing. Reports a commit whose checkpoint is not
  /// durable, and a repeat with other records (I9).
  void commit(const SegmentId& id, const std::vector<OracleRecord>& records);

  /// Takes over what another store holds; reports and questions stay this one's.
  void take_over(const TransactionalStore& other);

  /// All committed records of a sink, in the order in which their segments were committed.
  std::vector<OracleRecord> committed(std::uint32_t sink) const;
  std::size_t commits() const { return order_.size(); }

 private:
  const Report report_;
  const IsDurable is_durable_;
  std::map<SegmentId, std::vector<OracleRecord>> segments_;
  std::vector<SegmentId> order_;
};

}  // namespace weir::simulation
