// SPDX-License-Identifier: Apache-2.0
// ProcessOperator: runs a keyed process function with its states and timers.
#pragma once

#include <weir/functions.h>

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "api/graph/stream_graph.h"
#include "api/operators/broadcast_names.h"
#include "api/operators/keyed_input.h"
#include "api/operators/operator_ports.h"
#include "api/operators/process_function_traits.h"
#include "api/operators/state_preparation.h"
#include "core/mutants.h"
#include "core/operator.h"

namespace weir::detail {

/// Calls the function for each record and each timer that fires. Timers fire in the order of time,
/// before the watermark goes on, in steps bounded by the budget.
template <class T, class KeyBy, class F, class Out>
class ProcessOperator : public Operator {
 public:
  using Key = typename KeyBy::Key;

  ProcessOperator(KeyBy key_of, F function, std::shared_ptr<const SideOutputs> sides)
      : function_(std::move(function)),
        ports_(output_, std::move(sides)),
        input_(std::move(key_of)) {}

  void open(OperatorContext& host) override {
    host_ = &host;
    tables_.use_clock(host.clock());
    if constexpr (HasDeclare<F, Key>) {
      States<Key> states(tables_);
      function_.declare(states);
    }
    tables_.register_all(host.state());
    fired_.emplace(hash_range(host.info().key_groups, host.info().max_parallelism));
    host.state().add(*fired_);
    context_.reset(new KeyedContext<Key>(host, ports_, *fired_));
    host.state().add(timers().event_time_);
    host.state().add(timers().processing_time_);
    if constexpr (HasOpen<F>) {
      OpenContext open_context(host);
      function_.open(open_context);
    }
  }

  Progress prepare_batch(InputIndex, BatchView view) override {
    return preparation_.prepare(
        *host_, view.size(), [this] { return tables_.is_evicting(); },
        [this, view] { input_.want(view, tables_); });
  }
  void process_batch(InputIndex, BatchView view) override {
    if (!preparation_.take_prepared(view.size())) {
      preparation_.prepare_now(
          *host_, view.size(), [this] { return tables_.is_evicting(); },
          [this, view] { input_.want(view, tables_); });
    }
    begin(&view.batch);
    const T* const rows = std::as_const(view.typed<T>()).rows().data();
    const EventTime* const times = view.batch.times().data();
    const std::uint32_t* const hashes = input_.hashes(view);
    const bool loads_ahead = tables_.is_large();
    for (std::size_t i = view.begin; i < view.end; ++i) {
      if (loads_ahead && i + kAhead < view.end) {
        tables_.prefetch(hashes[i + kAhead]);
        tables_.prefetch_entry(hashes[i + kAhead / 2]);
      }
      decltype(auto) key = input_.key(rows[i]);
      set_key(key, hashes[i]);
      set_time(times[i]);
      call_process(rows[i]);
    }
    tables_.clear_key();
  }

  Progress advance_watermark(Watermark watermark, Budget& budget) override {
    begin(nullptr);
    context_->advancing_to_ = watermark.time;
    const Progress progress =
        fire(timers().event_time_, watermark.time, budget, [this](const auto& timer) {
          set_time(timer.time);
          call_on_timer(Timer{.domain = TimeDomain::kEventTime, .at = timer.time});
        });
    if (progress == Progress::kDone) fired_->advance(watermark.time);
    return progress;
  }

  ProcessingTime next_processing_time() const override {
    return context_->timers_.processing_time_.next_time().value_or(ProcessingTime::max());
  }
  Progress on_processing_time(ProcessingTime now, Budget& budget) override {
    begin(nullptr);
    return fire(timers().processing_time_, now, budget, [this](const auto& timer) {
      set_time(EventTime::none());
      call_on_timer(Timer{.domain = TimeDomain::kProcessingTime, .due = timer.time});
    });
  }

  std::span<OutputPort* const> outputs() override { return ports_.all(); }

 protected:
  F function_;
  Output<Out> output_;
  SidePorts ports_;
  std::optional<FiredWatermarks> fired_;  // since `open`

 private:
  static constexpr std::size_t kAhead = 16;

  Timers<Key>& timers() { return context_->timers_; }

  void begin(const Batch* batch) {
    output_.begin_input(batch);
    tables_.begin_call();
    context_->input_ = batch;
  }
  void set_time(EventTime time) {
    output_.set_time(time);
    context_->time_ = time;
  }
  void set_key(const Key& key, std::uint32_t hash) {
    tables_.set_key(key, hash);
    timers().key_ = &key;
    timers().hash_ = hash;
  }

  void call_process(const T& row) {
    if constexpr (ProcessMember<F, T, Key, Out>) {
      function_.process(row, *context_, output_);
    } else {
      function_(row, *context_, output_);
    }
  }
  void call_on_timer([[maybe_unused]] const Timer& timer) {
    if constexpr (HasOnTimer<F, Key, Out>) function_.on_timer(timer, *context_, output_);
  }

  template <class Queue, class Time, class Call>
  Progress fire(Queue& queue, Time limit, Budget& budget, Call&& call) {
    preparation_.prepare_now(
        *host_, budget.left(), [this] { return tables_.is_evicting(); },
        [&] {
          queue.for_each_due(limit, budget.left(),
                             [this](const auto& timer) { tables_.want(timer.key, timer.hash); });
        });
    Progress progress = Progress::kMore;
    [[maybe_unused]] bool is_first = true;
    while (!budget.exhausted()) {
      // Stays readable until the tables are tidied, and so does its key.
      const auto* timer = queue.pop(limit);
      if (timer == nullptr) {
        progress = Progress::kDone;
        break;
      }
      budget.spend(1);
      if (is_first || !WEIR_MUTANT(B26)) set_key(timer->key, timer->hash);
      is_first = false;
      call(*timer);
    }
    tables_.clear_key();
    return progress;
  }

  KeyedInput<T, KeyBy> input_;
  KeyedStates<Key> tables_;
  OperatorContext* host_ = nullptr;
  StatePreparation preparation_;
  std::unique_ptr<KeyedContext<Key>> context_;
};

/// The states of a process function, found out by a declaration that binds nothing.
template <class F, class Key>
void declare_states(F function, Transformation& transformation) {
  States<Key> states;
  if constexpr (HasDeclare<F, Key>) function.declare(states);
  transformation.states = states.descriptors();
  transformation.mistakes.insert(transformation.mistakes.end(), states.mistakes().begin(),
                                 states.mistakes().end());
  const Timers<Key> timers;
  timers.append_descriptors(transformation.states);
  transformation.states.push_back(FiredWatermarks(HashRange()).descriptor());
}

template <class T, class KeyBy, class Out, class F>
Transformation process_transformation(std::string id, const KeyBy& key_of, const F& function) {
  using Key = typename KeyBy::Key;
  Transformation result{.id = std::move(id), .type = "process"};
  result.side_outputs = std::make_shared<SideOutputs>();
  declare_states<F, Key>(function, result);
  check_broadcast_names({}, result);
  result.factory = [key_of, function, sides = result.side_outputs] {
    return std::make_unique<ProcessOperator<T, KeyBy, F, Out>>(key_of, function, sides);
  };
  return result;
}

}  // namespace weir::detail
