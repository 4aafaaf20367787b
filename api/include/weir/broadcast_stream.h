// SPDX-License-Identifier: Apache-2.0
// BroadcastStream: a stream of which every subtask of what follows gets every record, and the
// streams that are connected to it.
#pragma once

#include <weir/data_stream.h>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/operators/broadcast_operator.h"
#include "api/operators/stream_chain.h"

namespace weir {

/// A stream whose records make broadcast state. Made by `DataStream::broadcast(name)`, taken by
/// `connect`; it may be connected to several streams, each of which has a state of its own.
///
/// Event time behind it is that of both inputs: a broadcast stream without watermarks holds timers
/// back until it ends or is idle (`WatermarkStrategy::with_idleness`).
///
/// Thread: the program's.
template <class B>
class [[nodiscard]] BroadcastStream {
 public:
  using Record = B;

  BroadcastStream(const detail::Boundary<B>& source, std::vector<std::string> names)
      : source_(source.with_partitioning(Partitioning::kBroadcast)), names_(std::move(names)) {
    std::string description;
    for (const std::string& name : names_) {
      description += (description.empty() ? "broadcast(" : ", ") + name;
    }
    description += ")";
    number_ = source_.graph()->add_pending(source_.inputs().front().from, description);
  }

  const detail::Boundary<B>& source() const { return source_; }
  /// Of the states that the records are for.
  const std::vector<std::string>& names() const { return names_; }
  /// Notes that an operator reads it.
  void use() const { source_.graph()->use_pending(number_, detail::PendingSteps::Use::kOperator); }

 private:
  detail::Boundary<B> source_;
  std::vector<std::string> names_;
  std::size_t number_ = 0;
};

namespace detail {

/// Adds an operator that reads `main` and then `broadcast`; returns what it emits.
template <class Out, class T, class B>
DataStream<Out> connect_operator(const Boundary<T>& main, const BroadcastStream<B>& broadcast,
                                 Transformation transformation) {
  broadcast.use();
  if (broadcast.source().graph() != main.graph()) {
    transformation.mistakes.push_back("the streams belong to different environments");
  }
  const TransformationIndex index = main.append(std::move(transformation));
  std::vector<StreamInput>& inputs = main.graph()->at(index).inputs;
  if (broadcast.source().graph() == main.graph()) {
    const std::vector<StreamInput>& more = broadcast.source().inputs();
    inputs.insert(inputs.end(), more.begin(), more.end());
  }
  return DataStream<Out>(Boundary<Out>(main.graph(), index));
}

}  // namespace detail

/// A keyed stream beside a broadcast stream.
///
/// Thread: the program's.
template <class T, class KeyBy, class B>
class [[nodiscard]] KeyedBroadcastConnection {
 public:
  using Key = typename KeyBy::Key;

  KeyedBroadcastConnection(detail::Boundary<T> source, KeyBy key_by, BroadcastStream<B> broadcast)
      : source_(std::move(source)), key_by_(std::move(key_by)), broadcast_(std::move(broadcast)) {}

  /// Runs a class derived from KeyedBroadcastProcessFunction.
  template <class F>
  auto process(std::string id, F function) const {
    if constexpr (detail::check_keyed_broadcast_class<F, T, Key, B>()) {
      using Out = typename detail::BroadcastTypesOf<F>::Out;
      return detail::connect_operator<Out>(
          source_, broadcast_,
          detail::keyed_broadcast_transformation<T, KeyBy, B, Out>(
              std::move(id), key_by_, function, source_.inputs().size(), broadcast_.names()));
    } else {
      return detail::Broken{};
    }
  }
  template <class F>
  auto process(const F&) const {
    static_assert(detail::kNever<F>,
                  "weir: process(id, function) takes an id first: the name of its state");
    return detail::Broken{};
  }

 private:
  detail::Boundary<T> source_;
  KeyBy key_by_;
  BroadcastStream<B> broadcast_;
};

/// A stream without keys beside a broadcast stream.
///
/// Thread: the program's.
template <class T, class B>
class [[nodiscard]] BroadcastConnection {
 public:
  BroadcastConnection(detail::Boundary<T> source, BroadcastStream<B> broadcast)
      : source_(std::move(source)), broadcast_(std::move(broadcast)) {}

  /// Runs a class derived from BroadcastProcessFunction.
  template <class F>
  auto process(std::string id, F function) const {
    if constexpr (detail::check_broadcast_class<F, T, B>()) {
      using Out = typename detail::BroadcastTypesOf<F>::Out;
      return detail::connect_operator<Out>(
          source_, broadcast_,
          detail::broadcast_transformation<T, B, Out>(std::move(id), function,
                                                      source_.inputs().size(), broadcast_.names()));
    } else {
      return detail::Broken{};
    }
  }
  template <class F>
  auto process(const F&) const {
    static_assert(detail::kNever<F>,
                  "weir: process(id, function) takes an id first: the name of its state");
    return detail::Broken{};
  }

 private:
  detail::Boundary<T> source_;
  BroadcastStream<B> broadcast_;
};

}  // namespace weir
