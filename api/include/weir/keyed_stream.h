// SPDX-License-Identifier: Apache-2.0
// KeyedStream: a stream whose records are together by key, and what can be done with it.
#pragma once

#include <weir/broadcast_stream.h>
#include <weir/data_stream.h>
#include <weir/functions.h>
#include <weir/windowed_stream.h>

#include <string>
#include <type_traits>
#include <utility>

#include "api/operators/key_router.h"
#include "api/operators/process_operator.h"
#include "api/operators/reduce_operator.h"
#include "api/operators/sort_transformation.h"

namespace weir {

/// A stream whose records with equal keys are processed by the same subtask, in the order in which
/// they arrive there. Every operator on it has state and takes its id first: the id is the name in
/// logs, metrics and snapshots, and must not change as long as the state is to be kept.
///
/// Thread: the program's.
template <class T, class KeyBy>
class [[nodiscard]] KeyedStream {
 public:
  using Record = T;
  using Key = typename KeyBy::Key;

  KeyedStream(detail::Boundary<T> source, KeyBy key_by,
              Partitioning partitioning = Partitioning::kHash)
      : source_(source.with_partitioning(partitioning, detail::key_router<T>(key_by))),
        key_by_(std::move(key_by)) {}

  /// Runs a function with keyed state and timers: a class derived from KeyedProcessFunction.
  template <class F>
  auto process(std::string id, F function) const {
    if constexpr (detail::check_process_class<F, T, Key>()) {
      using Out = typename detail::ProcessTypesOf<F>::Out;
      return with_operator<Out>(
          detail::process_transformation<T, KeyBy, Out>(std::move(id), key_by_, function));
    } else {
      return detail::Broken{};
    }
  }
  /// The same for a lambda: `process<Out>(id, [](const T& row, auto& context, auto& out) {...})`.
  template <class Out, class F>
  auto process(std::string id, F function) const {
    if constexpr (detail::check_process_lambda<F, T, Key, Out>()) {
      return with_operator<Out>(
          detail::process_transformation<T, KeyBy, Out>(std::move(id), key_by_, function));
    } else {
      return detail::Broken{};
    }
  }

  // Without an id it does not compile.
  template <class F>
  auto process(const F&) const {
    static_assert(detail::kNever<F>,
                  "weir: process(id, function) takes an id first: the name of its state");
    return detail::Broken{};
  }
  template <class Out, class F>
  auto process(const F& function) const {
    return process(function);
  }

  /// Puts a broadcast stream beside this one, for `process` with a KeyedBroadcastProcessFunction.
  template <class B>
  KeyedBroadcastConnection<T, KeyBy, B> connect(const BroadcastStream<B>& broadcast) const {
    return KeyedBroadcastConnection<T, KeyBy, B>(source_, key_by_, broadcast);
  }
  template <class Other>
  detail::Broken connect(const Other&) const {
    static_assert(
        detail::kNever<Other>,
        "weir: connect(...) takes a broadcast stream: connect(rules.broadcast(\"name\"))");
    return {};
  }

  /// Emits for each record `f(so_far, record)`, folded over all records of its key.
  template <class F>
  auto reduce(std::string id, F f) const {
    if constexpr (detail::check_reduce<F, T>()) {
      return with_operator<T>(
          detail::reduce_transformation<T, KeyBy>(std::move(id), key_by_, std::move(f)));
    } else {
      return detail::Broken{};
    }
  }

  template <class F>
  auto reduce(const F&) const {
    static_assert(detail::kNever<F>,
                  "weir: reduce(id, function) takes an id first: the name of its state");
    return detail::Broken{};
  }

  /// Brings the records of each key into the order of event time, equal times into the order of
  /// their content, so that the order of arrival no longer matters. Late records are dropped and
  /// counted.
  ///
  /// State: each record until the watermark has passed it.
  KeyedStream sorted_by_event_time(std::string id) const {
    return KeyedStream(
        detail::Boundary<T>(source_.graph(), source_.append(detail::sort_transformation<T, KeyBy>(
                                                 std::move(id), key_by_))),
        key_by_, Partitioning::kForward);
  }

  /// Puts the records of each key into windows of event time.
  WindowedStream<T, KeyBy> window(WindowAssigner windows) const {
    return WindowedStream<T, KeyBy>(source_, key_by_, windows);
  }

 private:
  template <class Out>
  DataStream<Out> with_operator(detail::Transformation transformation) const {
    return DataStream<Out>(
        detail::Boundary<Out>(source_.graph(), source_.append(std::move(transformation))));
  }

  detail::Boundary<T> source_;
  KeyBy key_by_;
};

}  // namespace weir
