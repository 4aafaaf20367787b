// SPDX-License-Identifier: Apache-2.0
// WindowedStream: records by key and window, and what can be computed of each window.
#pragma once

#include <weir/aggregates.h>
#include <weir/data_stream.h>
#include <weir/window.h>

#include <string>
#include <utility>

#include "api/operators/window_function_traits.h"

namespace weir {

/// Records in windows of event time, by key. A result has the window's last millisecond as event
/// time, and comes when the watermark reaches that.
///
/// Thread: the program's.
template <class T, class KeyBy>
class [[nodiscard]] WindowedStream {
 public:
  using Key = typename KeyBy::Key;

  WindowedStream(detail::Boundary<T> source, KeyBy key_by, WindowAssigner windows)
      : source_(std::move(source)), key_by_(std::move(key_by)) {
    options_.windows = windows;
  }

  /// Keeps windows for this long after they closed; each record that still comes gives a new result
  /// of its window. By default zero: such records are late.
  WindowedStream allowed_lateness(Duration lateness) const {
    WindowedStream copy = *this;
    copy.options_.allowed_lateness = lateness;
    return copy;
  }

  /// Writes late records to a side output, read by `side_output(tag)` on the result. Without it
  /// they are dropped and counted.
  template <class S>
  auto late_to(const OutputTag<S>& tag) const {
    static_assert(std::same_as<S, T>,
                  "weir: late_to(tag) takes an OutputTag of the stream's record type");
    if constexpr (std::same_as<S, T>) {
      WindowedStream copy = *this;
      copy.options_.late_tag = tag.name();
      return copy;
    } else {
      return detail::Broken{};
    }
  }

  /// Aggregates each window by `count()`, `sum(&T::field)`, `min`, `max`, `mean`, `top(n, by)`, or
  /// a class of the same form (see weir/aggregates.h). Emits a WindowResult, or what `emit(key,
  /// window, value)` makes.
  template <class Aggregate, class Emit = detail::PlainWindowEmit>
  auto aggregate(std::string id, Aggregate aggregate, Emit emit = {}) const {
    auto bound = detail::bind_aggregate<T>(aggregate);
    using Bound = decltype(bound);
    if constexpr (detail::check_aggregate<Bound, T>()) {
      using Value = detail::AggregateValue<Bound>;
      if constexpr (detail::check_emit<Emit, Key, Value>()) {
        return with_aggregate(std::move(id), std::move(bound), std::move(emit));
      } else {
        return detail::Broken{};
      }
    } else {
      return detail::Broken{};
    }
  }

  template <class Aggregate>
  auto aggregate(const Aggregate&) const {
    static_assert(detail::kNever<Aggregate>,
                  "weir: aggregate(id, aggregate) takes an id first: the name of its state");
    return detail::Broken{};
  }

  /// Folds the records of each window by `f(so_far, record)`, which must be associative.
  template <class F, class Emit = detail::PlainWindowEmit>
  auto reduce(std::string id, F f, Emit emit = {}) const {
    if constexpr (detail::check_reduce<F, T>()) {
      if constexpr (detail::check_emit<Emit, Key, T>()) {
        return with_aggregate(std::move(id), detail::ReduceAggregate<T, F>{std::move(f)},
                              std::move(emit));
      } else {
        return detail::Broken{};
      }
    } else {
      return detail::Broken{};
    }
  }

 private:
  template <class Aggregate, class Emit>
  auto with_aggregate(std::string id, Aggregate aggregate, Emit emit) const {
    using Out = detail::WindowEmitResult<Emit, Key, detail::AggregateValue<Aggregate>>;
    return DataStream<Out>(detail::Boundary<Out>(
        source_.graph(), source_.append(detail::window_transformation<T, KeyBy>(
                             std::move(id), key_by_, options_, aggregate, emit))));
  }

  detail::Boundary<T> source_;
  KeyBy key_by_;
  detail::WindowOptions options_;
};

}  // namespace weir
