// SPDX-License-Identifier: Apache-2.0
// What a stream is made of: Boundary, the outputs of operators; Pending, steps on top of one that
// are not an operator yet.
#pragma once

#include <weir/output_tag.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "api/graph/stream_graph.h"
#include "api/operators/fused_operator.h"

namespace weir::detail {

/// Outputs of operators, of which every record is a T; several after a union.
template <class T>
class Boundary {
 public:
  Boundary(std::shared_ptr<StreamGraph> graph, TransformationIndex from,
           OutputIndex output = OutputIndex{0})
      : graph_(std::move(graph)), inputs_{StreamInput{.from = from, .output = output}} {}

  const std::shared_ptr<StreamGraph>& graph() const { return graph_; }
  const Boundary& boundary() const { return *this; }
  const std::vector<StreamInput>& inputs() const { return inputs_; }

  /// Adds an operator that reads this stream; returns its position.
  TransformationIndex append(Transformation transformation) const {
    transformation.inputs = inputs_;
    return graph_->add(std::move(transformation));
  }

  void add(const Boundary& other) {
    if (other.graph_ != graph_) {
      graph_->add_mistake("union_with: the streams belong to different environments");
      return;
    }
    inputs_.insert(inputs_.end(), other.inputs_.begin(), other.inputs_.end());
  }
  Boundary with_partitioning(Partitioning partitioning, const RouterFactory& router = {}) const {
    Boundary copy = *this;
    for (StreamInput& input : copy.inputs_) {
      input.partitioning = partitioning;
      input.router = router;
    }
    return copy;
  }

  template <class S>
  Boundary<S> side_output(const OutputTag<S>& tag) const {
    if (inputs_.size() != 1) {
      graph_->add_mistake("side_output('" + tag.name() + "') is read from a union");
    }
    const TransformationIndex from = inputs_.front().from;
    SideOutput output{tag.name(), type_address<S>(),
                      [] { return std::unique_ptr<OutputPort>(std::make_unique<Output<S>>()); }};
    return Boundary<S>(graph_, from, graph_->side_output(from, std::move(output)));
  }

  /// Calls `change(Transformation&)` with the operator that makes this stream.
  template <class Change>
  void change(Change&& change) const {
    if (inputs_.size() != 1) {
      graph_->add_mistake("a union has no parallelism, slot or chain of its own");
      return;
    }
    std::forward<Change>(change)(graph_->at(inputs_.front().from));
  }

 private:
  std::shared_ptr<StreamGraph> graph_;
  std::vector<StreamInput> inputs_;
};

/// Steps behind a boundary. Copies are the same steps: they become one operator, or part of one
/// longer chain.
template <class Out, class In, class... Steps>
class Pending {
 public:
  Pending(Boundary<In> source, std::tuple<Steps...> steps)
      : shared_(std::make_shared<Shared>(std::move(source), std::move(steps))) {}

  const std::shared_ptr<StreamGraph>& graph() const { return shared_->source.graph(); }

  /// Makes the steps an operator, if they are not yet, and returns what it emits.
  const Boundary<Out>& boundary() const {
    Shared& shared = *shared_;
    graph()->use_pending(shared.number, PendingSteps::Use::kOperator);
    if (!shared.boundary.has_value()) {
      Transformation fused{.id = graph()->derived_id(shared.source.inputs(), shared.description),
                           .type = "steps"};
      fused.id_origin = Transformation::IdOrigin::kDerived;
      fused.steps = {Steps::kName...};
      fused.factory = [steps = shared.steps] {
        return std::make_unique<FusedOperator<In, Out, Steps...>>(steps);
      };
      shared.boundary.emplace(graph(), shared.source.append(std::move(fused)));
    }
    return *shared.boundary;
  }
  TransformationIndex append(Transformation transformation) const {
    return boundary().append(std::move(transformation));
  }

  /// Hands the steps over to a longer chain.
  template <class NextOut, class Step>
  Pending<NextOut, In, Steps..., Step> extended(Step step) const {
    graph()->use_pending(shared_->number, PendingSteps::Use::kMoved);
    return {shared_->source, std::tuple_cat(shared_->steps, std::tuple<Step>(std::move(step)))};
  }

 private:
  // Shared by all copies of a stream, so that they become one operator.
  struct Shared {
    Shared(Boundary<In> from, std::tuple<Steps...> all)
        : source(std::move(from)),
          steps(std::move(all)),
          number(source.graph()->add_pending(source.inputs().front().from, description)) {}
    static std::string describe() {
      std::string all;
      ((all += (all.empty() ? "" : "-") + std::string(Steps::kName)), ...);
      return all;
    }
    std::string description = describe();
    Boundary<In> source;
    std::tuple<Steps...> steps;
    std::size_t number;
    std::optional<Boundary<Out>> boundary;
  };
  std::shared_ptr<Shared> shared_;
};

// A step behind a boundary begins a new operator, whether the stream has a name or not.
template <class Out, class T, class Step>
Pending<Out, T, Step> extend(const Boundary<T>& boundary, Step step) {
  return {boundary, std::tuple<Step>(std::move(step))};
}
// A step behind a stream with a name leaves that stream an operator of its own ...
template <class Out, class Mid, class In, class... Steps, class Step>
Pending<Out, Mid, Step> extend(const Pending<Mid, In, Steps...>& pending, Step step) {
  return {pending.boundary(), std::tuple<Step>(std::move(step))};
}
// ... and behind a temporary joins its loop.
template <class Out, class Mid, class In, class... Steps, class Step>
Pending<Out, In, Steps..., Step> extend(Pending<Mid, In, Steps...>&& pending, Step step) {
  return pending.template extended<Out>(std::move(step));
}

}  // namespace weir::detail
