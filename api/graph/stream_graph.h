// SPDX-License-Identifier: Apache-2.0
// StreamGraph: what the program wrote, operator by operator, before it becomes a job graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/output.h"
#include "core/program.h"

namespace weir::detail {

/// Position of a transformation in its graph.
using TransformationIndex = std::size_t;

/// Whether an operator may join a chain.
enum class ChainingRule {
  kAllowed,
  kHead,   ///< begins a chain; what follows may join it
  kNever,  ///< stands alone
};

/// An edge into a transformation.
struct StreamInput {
  TransformationIndex from = 0;
  OutputIndex output{0};
  Partitioning partitioning = Partitioning::kForward;
  /// Makes the router of a kHash or kAddressed edge. A kForward edge that has one keeps the keys of
  /// the edge before: where forwarding is impossible, it becomes kHash.
  RouterFactory router = {};
};

/// A side output: its name, its row type as an address that differs from type to type, and how to
/// make its port.
struct SideOutput {
  std::string name;
  const void* row_type = nullptr;
  std::function<std::unique_ptr<OutputPort>()> make_port;
};
/// The side outputs that somebody reads. Shared by the transformation, which adds to them while the
/// program is written, and by its operator factory, which reads them afterwards.
using SideOutputs = std::vector<SideOutput>;

/// Whether records have event times and watermarks follow them.
enum class EventTimeUse {
  kUnneeded,
  kNeeded,    ///< the operator waits for watermarks
  kProvided,  ///< a source with a watermark strategy
};

/// One operator as the program wrote it.
struct Transformation {
  std::string id;
  /// What kind of operator it is, for people: "source", "window".
  std::string type;
  OperatorKind kind = OperatorKind::kTransform;
  enum class IdOrigin { kUser, kDerived } id_origin = IdOrigin::kUser;
  std::vector<std::string> steps = {};
  std::vector<StateDescriptor> states = {};
  bool commits = false;
  EventTimeUse event_time = EventTimeUse::kUnneeded;

  // As the program set them, unchecked.
  std::optional<std::uint64_t> parallelism = {};
  std::optional<std::uint64_t> max_parallelism = {};
  std::optional<std::string> slot_sharing_group = {};
  ChainingRule chaining = ChainingRule::kAllowed;

  OperatorFactory factory = {};
  std::vector<StreamInput> inputs = {};
  /// Side outputs are output 1, 2, ... in this order. Null where there can be none.
  std::shared_ptr<SideOutputs> side_outputs = {};
  /// Side outputs that are written whether or not somebody reads them.
  std::vector<std::string> written_sides = {};
  /// What is wrong, one sentence each, without the operator's name.
  std::vector<std::string> mistakes = {};
};

/// A chain of stateless steps, and what became of it.
struct PendingSteps {
  TransformationIndex from = 0;
  std::string description;
  enum class Use {
    kNone,       ///< nobody reads it
    kOperator,   ///< it is an operator of its own
    kMoved,      ///< it is part of a longer chain
    kAfterMove,  ///< it was read after it was moved into a longer chain: it would run twice
  } use = Use::kNone;
};

/// Everything the program wrote. Shared by the environment and all streams made from it.
///
/// Thread: the program's.
class StreamGraph {
 public:
  TransformationIndex add(Transformation transformation);
  Transformation& at(TransformationIndex index) { return transformations_[index]; }
  const std::vector<Transformation>& transformations() const { return transformations_; }

  /// Registers a chain of steps; returns its number.
  std::size_t add_pending(TransformationIndex from, std::string description);
  void use_pending(std::size_t number, PendingSteps::Use use);
  const std::vector<PendingSteps>& pending() const { return pending_; }

  /// Notes a mistake that belongs to no operator.
  void add_mistake(std::string mistake) { mistakes_.push_back(std::move(mistake)); }
  const std::vector<std::string>& mistakes() const { return mistakes_; }

  /// Returns the output of `from` that carries the named side output, adding it if it is new.
  OutputIndex side_output(TransformationIndex from, SideOutput output);

  /// Returns a name for an operator that has no id of its own: what it does and what feeds it.
  std::string derived_id(const std::vector<StreamInput>& inputs, const std::string& what) const;

 private:
  std::vector<Transformation> transformations_;
  std::vector<PendingSteps> pending_;
  std::vector<std::string> mistakes_;
};

}  // namespace weir::detail
