// SPDX-License-Identifier: Apache-2.0
// What windows, aggregates and the functions that shape window results must look like.
#pragma once

#include <weir/aggregates.h>
#include <weir/window.h>

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/operators/function_traits.h"
#include "api/operators/slice_window_operator.h"

namespace weir::detail {

/// What is wrong with a window operator's times, one sentence each.
std::vector<std::string> window_mistakes(const WindowOptions& options);

template <class A>
concept HasAccumulator = requires(const A& aggregate) { aggregate.accumulator(); };
template <class A, class T>
concept HasAdd =
    requires(const A& aggregate, AccumulatorOf<A>& sum, const T& row) { aggregate.add(sum, row); };
template <class A>
concept HasMerge = requires(const A& aggregate, AccumulatorOf<A>& sum,
                            const AccumulatorOf<A>& other) { aggregate.merge(sum, other); };

template <class A, class T>
constexpr bool check_aggregate() {
  static_assert(
      HasAccumulator<A>,
      "weir: aggregate(id, aggregate) takes count(), sum(&Record::field), min, max, mean, "
      "top(n, &Record::field), or a class with accumulator(), add, merge and result; "
      "accumulator() is missing, or the field does not belong to the stream's type");
  if constexpr (HasAccumulator<A>) {
    static_assert(
        HasAdd<A, T>,
        "weir: an aggregate needs a public const member add(Accumulator&, const Record&), "
        "where Record is the stream's type");
    static_assert(HasMerge<A>,
                  "weir: an aggregate needs a public const member merge(Accumulator&, const "
                  "Accumulator&): windows are put together from slices");
    static_assert(Describable<AccumulatorOf<A>>,
                  "weir: the accumulator is state and needs a description: write "
                  "WEIR_RECORD(Accumulator, field, ...) beside it");
    return AggregateFunction<A, T> && Describable<AccumulatorOf<A>>;
  }
  return false;
}

template <class E, class Key, class Value>
concept EmitFunction =
    std::copy_constructible<E> &&
    (std::invocable<const E&, const Key&, const TimeWindow&, const Value&> ||
     std::invocable<const E&, const Key&, const TimeWindow&, const Value&, TextMaker&>);

template <class E, class Key, class Value>
constexpr bool check_emit() {
  static_assert(EmitFunction<E, Key, Value>,
                "weir: the last argument of aggregate and reduce on windows is a function f(const "
                "Key&, const weir::TimeWindow&, const Value&) that returns a record; a fourth "
                "parameter weir::TextMaker& makes text");
  if constexpr (EmitFunction<E, Key, Value>) {
    return check_row<WindowEmitResult<E, Key, Value>>();
  }
  return false;
}

/// A reduce function as an aggregate. The accumulator is empty only before the first record.
template <class T, class F>
struct ReduceAggregate {
  F function;
  std::optional<T> accumulator() const { return {}; }
  void add(std::optional<T>& so_far, const T& row) const {
    if (so_far.has_value()) {
      so_far = T(std::invoke(function, std::as_const(*so_far), row));
    } else {
      so_far = row;
    }
  }
  void merge(std::optional<T>& so_far, const std::optional<T>& other) const {
    if (other.has_value()) add(so_far, *other);
  }
  const T& result(const std::optional<T>& so_far) const { return *so_far; }
};

template <class T, class KeyBy, class Aggregate, class Emit>
Transformation window_transformation(std::string id, const KeyBy& key_of,
                                     const WindowOptions& options, const Aggregate& aggregate,
                                     const Emit& emit) {
  using Made = SliceWindowOperator<T, KeyBy, Aggregate, Emit>;
  Transformation result{.id = std::move(id), .type = "window"};
  result.event_time = EventTimeUse::kNeeded;
  result.mistakes = window_mistakes(options);
  result.states = {
      SliceState<typename Made::Key, typename Made::Accumulator>::describe(options.windows),
      FiredWatermarks(HashRange()).descriptor()};
  result.side_outputs = std::make_shared<SideOutputs>();
  if (!options.late_tag.empty()) result.written_sides.push_back(options.late_tag);
  result.factory = [key_of, aggregate, emit, options, sides = result.side_outputs] {
    return std::make_unique<Made>(key_of, aggregate, emit, options, sides);
  };
  return result;
}

}  // namespace weir::detail
