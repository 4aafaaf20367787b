// SPDX-License-Identifier: Apache-2.0
// KeyedBroadcastOperator, BroadcastOperator: run functions of a stream and of a broadcast stream.
#pragma once

#include <weir/broadcast_functions.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/graph/stream_graph.h"
#include "api/operators/broadcast_function_traits.h"
#include "api/operators/broadcast_names.h"
#include "api/operators/process_operator.h"
#include "core/operator.h"

namespace weir::detail {

/// A process operator with a second kind of input. The first `main_inputs` inputs are of the keyed
/// stream, all others of the broadcast stream.
template <class T, class KeyBy, class B, class F, class Out>
class KeyedBroadcastOperator final : public ProcessOperator<T, KeyBy, F, Out> {
  using Base = ProcessOperator<T, KeyBy, F, Out>;

 public:
  KeyedBroadcastOperator(std::size_t main_inputs, KeyBy key_of, F function,
                         std::shared_ptr<const SideOutputs> sides)
      : Base(std::move(key_of), std::move(function), std::move(sides)), main_inputs_(main_inputs) {}

  void open(OperatorContext& host) override {
    broadcast_context_.reset(new BroadcastContext(host, this->ports_));
    Base::open(host);
  }
  Progress prepare_batch(InputIndex input, BatchView view) override {
    // The broadcast side uses no state by key.
    return input.value() < main_inputs_ ? Base::prepare_batch(input, view) : Progress::kDone;
  }
  void process_batch(InputIndex input, BatchView view) override {
    if (input.value() < main_inputs_) {
      Base::process_batch(input, view);
      return;
    }
    this->output_.begin_input(&view.batch);
    broadcast_context_->input_ = &view.batch;
    broadcast_context_->watermark_ = this->fired_->least();
    const auto rows = std::as_const(view.typed<B>()).rows();
    for (std::size_t i = view.begin; i < view.end; ++i) {
      broadcast_context_->time_ = view.batch.times()[i];
      this->output_.set_time(broadcast_context_->time_);
      this->function_.process_broadcast(rows[i], *broadcast_context_, this->output_);
    }
  }

 private:
  const std::size_t main_inputs_;
  std::unique_ptr<BroadcastContext> broadcast_context_;
};

/// The same without keys.
template <class T, class B, class F, class Out>
class BroadcastOperator final : public Operator {
 public:
  BroadcastOperator(std::size_t main_inputs, F function, std::shared_ptr<const SideOutputs> sides)
      : main_inputs_(main_inputs),
        function_(std::move(function)),
        ports_(output_, std::move(sides)) {}

  void open(OperatorContext& host) override {
    if constexpr (HasPlainDeclare<F>) {
      OperatorStates states(tables_);
      function_.declare(states);
    }
    tables_.register_all(host.state());
    // Of one type for both sides; what `process` is given only reads.
    context_.reset(new BroadcastContext(host, ports_));
    if constexpr (HasOpen<F>) {
      OpenContext open_context(host);
      function_.open(open_context);
    }
  }
  void process_batch(InputIndex input, BatchView view) override {
    output_.begin_input(&view.batch);
    context_->input_ = &view.batch;
    if (input.value() < main_inputs_) {
      RecordContext& context = *context_;
      for_each_row<T>(view, [&](const T& row) { function_.process(row, context, output_); });
    } else {
      for_each_row<B>(view,
                      [&](const B& row) { function_.process_broadcast(row, *context_, output_); });
    }
  }
  Progress advance_watermark(Watermark watermark, Budget&) override {
    context_->watermark_ = watermark.time;
    return Progress::kDone;
  }
  std::span<OutputPort* const> outputs() override { return ports_.all(); }

 private:
  template <class Row, class Call>
  void for_each_row(BatchView view, Call&& call) {
    const auto rows = std::as_const(view.typed<Row>()).rows();
    for (std::size_t i = view.begin; i < view.end; ++i) {
      context_->time_ = view.batch.times()[i];
      output_.set_time(context_->time_);
      call(rows[i]);
    }
  }

  const std::size_t main_inputs_;
  F function_;
  Output<Out> output_;
  SidePorts ports_;
  OperatorTables tables_;
  std::unique_ptr<BroadcastContext> context_;
};

template <class T, class KeyBy, class B, class Out, class F>
Transformation keyed_broadcast_transformation(std::string id, const KeyBy& key_of,
                                              const F& function, std::size_t main_inputs,
                                              const std::vector<std::string>& names) {
  Transformation result{.id = std::move(id), .type = "process"};
  result.side_outputs = std::make_shared<SideOutputs>();
  declare_states<F, typename KeyBy::Key>(function, result);
  check_broadcast_names(names, result);
  result.factory = [key_of, function, main_inputs, sides = result.side_outputs] {
    return std::make_unique<KeyedBroadcastOperator<T, KeyBy, B, F, Out>>(main_inputs, key_of,
                                                                         function, sides);
  };
  return result;
}

template <class T, class B, class Out, class F>
Transformation broadcast_transformation(std::string id, const F& function, std::size_t main_inputs,
                                        const std::vector<std::string>& names) {
  Transformation result{.id = std::move(id), .type = "process"};
  result.side_outputs = std::make_shared<SideOutputs>();
  OperatorStates states;
  if constexpr (HasPlainDeclare<F>) F(function).declare(states);
  result.states = states.descriptors();
  result.mistakes = states.mistakes();
  check_broadcast_names(names, result);
  result.factory = [function, main_inputs, sides = result.side_outputs] {
    return std::make_unique<BroadcastOperator<T, B, F, Out>>(main_inputs, function, sides);
  };
  return result;
}

}  // namespace weir::detail
