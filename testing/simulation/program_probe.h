// SPDX-License-Identifier: Apache-2.0
// ProgramProbe: wraps the operators and routers of a program and checks what passes through them:
// order and barriers of each channel (I4), aborted checkpoints (I18), and watermarks (I10).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/program.h"
#include "testing/simulation/simulated_world.h"

namespace weir::simulation {

/// Whether records behind the watermark are a mistake.
enum class LateRecords { kForbidden, kAllowed };

/// Thread: the world's. Outlives every subtask of the programs it wrapped.
///
/// Batches are told apart by their address: from the moment one is sent until its consumer has
/// processed it nobody else can have that address.
class ProgramProbe {
 public:
  using Report = std::function<void(std::string)>;
  /// Whether the process that acts was told before that the checkpoint is aborted.
  using KnowsOfAbort = std::function<bool(const OperatorInfo&, CheckpointId)>;

  ProgramProbe(SimulatedWorld& world, Report report, LateRecords late_records,
               KnowsOfAbort knows_of_abort = nullptr)
      : world_(world),
        report_(std::move(report)),
        late_records_(late_records),
        knows_of_abort_(std::move(knows_of_abort)) {}

  /// Returns the same program, watched.
  Program watch(Program program);

  /// A checkpoint is complete: whatever crossed its barrier the wrong way is a violation now. What
  /// crosses the barrier of an aborted checkpoint is none.
  void on_complete(CheckpointId checkpoint);

 private:
  class WatchedOperator;
  class WatchedRouter;
  class WatchedSender;

  // One execution of one subtask. Shared by its watched operators and routers.
  struct Subtask {
    VertexId vertex;
    std::string name;
    SubtaskIndex index;
    CheckpointId snapshot;         // the last one taken
    CheckpointId barrier;          // the last one forwarded
    bool is_snapshotting = false;  // between the two
    std::size_t prepared = 0;      // position of the operator that prepared last
  };
  struct Sent {
    std::shared_ptr<const Subtask> producer;
    CheckpointId barrier;  // the last one before it in its channel
    std::uint64_t number = 0;
  };
  // The last number a consumer got, by edge and producer.
  using LastNumbers = std::map<std::pair<std::uint32_t, const Subtask*>, std::uint64_t>;
  // Batch, edge, consumer.
  using InFlightKey = std::tuple<const Batch*, std::uint32_t, SubtaskIndex>;

  std::shared_ptr<Subtask> subtask_of(VertexId vertex, std::size_t position,
                                      const std::string& name);
  void sent(const std::shared_ptr<Subtask>& producer, std::uint32_t edge, SubtaskIndex consumer,
            std::uint64_t number, const Batch& batch);
  void received(Subtask& consumer, const BatchView& view, LastNumbers& last_numbers);

  SimulatedWorld& world_;
  const Report report_;
  const LateRecords late_records_;
  const KnowsOfAbort knows_of_abort_;
  std::vector<std::vector<std::uint32_t>> edges_into_;  // by vertex
  std::vector<std::shared_ptr<Subtask>> newest_;        // by vertex
  std::map<InFlightKey, Sent> in_flight_;
  // What goes wrong if the checkpoint completes.
  std::map<CheckpointId, std::string> crossings_;
};

}  // namespace weir::simulation
