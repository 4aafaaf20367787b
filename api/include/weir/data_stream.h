// SPDX-License-Identifier: Apache-2.0
// DataStream: a stream of records, and what can be done with it.
#pragma once

#include <weir/connector.h>
#include <weir/output_tag.h>

#include <concepts>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/graph/stream_graph.h"
#include "api/operators/function_traits.h"
#include "api/operators/fused_operator.h"
#include "api/operators/print_sink.h"
#include "api/operators/sink_operator.h"
#include "api/operators/stream_chain.h"

namespace weir {

template <class T, class KeyBy>
class KeyedStream;
template <class B>
class BroadcastStream;
template <class T, class B>
class BroadcastConnection;

/// The end of a stream: sets how its sink runs.
class DataSink {
 public:
  DataSink(std::shared_ptr<detail::StreamGraph> graph, detail::TransformationIndex index)
      : graph_(std::move(graph)), index_(index) {}

  DataSink& set_parallelism(std::uint64_t parallelism) {
    graph_->at(index_).parallelism = parallelism;
    return *this;
  }
  DataSink& slot_sharing_group(std::string group) {
    graph_->at(index_).slot_sharing_group = std::move(group);
    return *this;
  }
  DataSink& disable_chaining() {
    graph_->at(index_).chaining = detail::ChainingRule::kNever;
    return *this;
  }

 private:
  std::shared_ptr<detail::StreamGraph> graph_;
  detail::TransformationIndex index_;
};

/// A stream of records of type T.
///
/// Methods add operators to the program; nothing runs before `execute`. `map`, `filter` and
/// `flat_map` on a temporary join its loop and cost no batch: `source.filter(f).map(g)` is one
/// operator. A stream with a name is an operator of its own, so that several can read it. `Chain`
/// is the compiler's note of steps not yet made an operator; where a type must be written, write
/// `DataStream<T>`, which every stream of T converts to.
///
/// A stream is a handle: copies mean the same stream.
///
/// Thread: the program's.
template <class T, class Chain = detail::Boundary<T>>
class DataStream {
 public:
  using Record = T;

  explicit DataStream(Chain chain) : chain_(std::move(chain)) {}
  /// Makes the steps so far an operator of their own.
  template <class Other>
    requires(std::same_as<Chain, detail::Boundary<T>> && !std::same_as<Other, Chain>)
  DataStream(const DataStream<T, Other>& other) : chain_(other.chain().boundary()) {}

  /// Turns each record into another: `f(const T&)`, or `f(const T&, TextMaker&)` to make text.
  template <class F>
  auto map(F f) const& {
    return with_map(chain_, std::move(f));
  }
  template <class F>
  auto map(F f) && {
    return with_map(std::move(chain_), std::move(f));
  }

  /// Keeps the records for which `f(const T&)` is true.
  template <class F>
  auto filter(F f) const& {
    return with_filter(chain_, std::move(f));
  }
  template <class F>
  auto filter(F f) && {
    return with_filter(std::move(chain_), std::move(f));
  }

  /// Turns each record into any number of others: `f(const T&, auto& out)` calls `out.emit(row)`.
  template <class Out, class F>
  auto flat_map(F f) const& {
    return with_flat_map<Out>(chain_, std::move(f));
  }
  template <class Out, class F>
  auto flat_map(F f) && {
    return with_flat_map<Out>(std::move(chain_), std::move(f));
  }

  /// Brings records with equal keys to the same subtask: members of the record, or functions of it;
  /// several make a tuple. The key must depend on the record alone.
  template <class... Parts>
  auto key_by(Parts... parts) const {
    static_assert(sizeof...(Parts) > 0, "weir: key_by(...) takes what makes the key: at least one");
    if constexpr (sizeof...(Parts) == 0) {
      return detail::Broken{};
    } else if constexpr ((detail::check_key_part<Parts, T>() && ...)) {
      using KeyBy = detail::KeySelector<T, Parts...>;
      return KeyedStream<T, KeyBy>(chain_.boundary(), KeyBy(std::move(parts)...));
    } else {
      return detail::Broken{};
    }
  }

  /// Puts the records of several streams of one type into one, in no particular order.
  template <class... Others>
  DataStream<T> union_with(const DataStream<T, Others>&... others) const {
    detail::Boundary<T> all = chain_.boundary();
    (all.add(others.chain().boundary()), ...);
    return DataStream<T>(std::move(all));
  }

  /// Spreads the records evenly over the subtasks of what follows.
  DataStream<T> rebalance() const { return partitioned(Partitioning::kRebalance); }
  /// Sends every record to every subtask of what follows.
  DataStream<T> broadcast() const { return partitioned(Partitioning::kBroadcast); }
  /// The same to make broadcast states of them, by the names under which a function declares these:
  /// `keyed.connect(rules.broadcast("rules-by-id")).process(id, function)`.
  template <std::convertible_to<std::string>... Names>
  BroadcastStream<T> broadcast(std::string name, Names... names) const {
    return BroadcastStream<T>(chain_.boundary(), {std::move(name), std::move(names)...});
  }

  /// Puts a broadcast stream beside this one, for `process` with a BroadcastProcessFunction.
  template <class B>
  BroadcastConnection<T, B> connect(const BroadcastStream<B>& broadcast) const {
    return BroadcastConnection<T, B>(chain_.boundary(), broadcast);
  }
  template <class Other>
  detail::Broken connect(const Other&) const {
    static_assert(
        detail::kNever<Other>,
        "weir: connect(...) takes a broadcast stream: connect(rules.broadcast(\"name\"))");
    return {};
  }

  /// Writes the records to a sink. Ends the stream; other readers of it are not affected.
  template <class Sink>
  auto sink_to(std::string id, Sink sink) const {
    static_assert(SinkDefinition<Sink, T>,
                  "weir: sink_to(id, sink) takes the options of a sink for this stream's record "
                  "type, such as weir::FileSink<Record>{...}");
    if constexpr (SinkDefinition<Sink, T>) {
      return DataSink(chain_.graph(),
                      chain_.append(detail::sink_transformation<T>(std::move(id), sink)));
    } else {
      return detail::Broken{};
    }
  }

  template <class Sink>
  auto sink_to(const Sink&) const {
    static_assert(detail::kNever<Sink>, "weir: sink_to(id, sink) takes an id first");
    return detail::Broken{};
  }

  // What needs keys does not compile without them.
  template <class... Args>
  detail::Broken window(const Args&...) const {
    static_assert(detail::kNever<Args...>,
                  "weir: windows are kept by key: write key_by(...) before window(...)");
    return {};
  }
  template <class... Explicit, class... Args>
  detail::Broken process(const Args&...) const {
    static_assert(detail::kNever<Args...>,
                  "weir: process has state by key: write key_by(...) before process(...)");
    return {};
  }
  template <class... Args>
  detail::Broken reduce(const Args&...) const {
    static_assert(detail::kNever<Args...>,
                  "weir: reduce has state by key: write key_by(...) before reduce(...)");
    return {};
  }

  /// Prints each record as a line to standard output, with several subtasks as `2> ...`. For small
  /// jobs: after a failure records are printed again. `weir::PrintSink` has options.
  DataSink print(std::string id = "print") const {
    return sink_to(std::move(id), detail::PrintSink<T>{});
  }

  /// What the operator before wrote to `tag`.
  template <class S>
  DataStream<S> side_output(const OutputTag<S>& tag) const {
    return DataStream<S>(chain_.boundary().side_output(tag));
  }

  // What follows sets how the operator before runs. Its steps end there.

  DataStream<T> set_parallelism(std::uint64_t parallelism) const {
    return changed([parallelism](auto& op) { op.parallelism = parallelism; });
  }
  DataStream<T> set_max_parallelism(std::uint64_t max_parallelism) const {
    return changed([max_parallelism](auto& op) { op.max_parallelism = max_parallelism; });
  }
  /// Subtasks of different groups run in different slots. By default, the group of the input.
  DataStream<T> slot_sharing_group(std::string group) const {
    return changed([&group](auto& op) { op.slot_sharing_group = group; });
  }
  /// Lets the operator be chained with nothing.
  DataStream<T> disable_chaining() const {
    return changed([](auto& op) { op.chaining = detail::ChainingRule::kNever; });
  }
  /// Lets the operator begin a chain.
  DataStream<T> start_new_chain() const {
    return changed([](auto& op) { op.chaining = detail::ChainingRule::kHead; });
  }

  const Chain& chain() const { return chain_; }

 private:
  template <class C, class F>
  static auto with_map(C&& chain, F f) {
    if constexpr (detail::check_map<F, T>()) {
      return extended<detail::MapResult<F, T>>(std::forward<C>(chain),
                                               detail::MapStep<F>{std::move(f)});
    } else {
      return detail::Broken{};
    }
  }
  template <class C, class F>
  static auto with_filter(C&& chain, F f) {
    if constexpr (detail::check_filter<F, T>()) {
      return extended<T>(std::forward<C>(chain), detail::FilterStep<F>{std::move(f)});
    } else {
      return detail::Broken{};
    }
  }
  template <class Out, class C, class F>
  static auto with_flat_map(C&& chain, F f) {
    if constexpr (detail::check_flat_map<F, T, Out>()) {
      return extended<Out>(std::forward<C>(chain), detail::FlatMapStep<Out, F>{std::move(f)});
    } else {
      return detail::Broken{};
    }
  }
  // A temporary chain is taken over, a named one is read from.
  template <class Out, class C, class Step>
  static auto extended(C&& chain, Step step) {
    auto longer = detail::extend<Out>(std::forward<C>(chain), std::move(step));
    return DataStream<Out, decltype(longer)>(std::move(longer));
  }

  DataStream<T> partitioned(Partitioning partitioning) const {
    return DataStream<T>(chain_.boundary().with_partitioning(partitioning));
  }
  template <class Change>
  DataStream<T> changed(Change&& change) const {
    const detail::Boundary<T>& boundary = chain_.boundary();
    boundary.change(change);
    return DataStream<T>(boundary);
  }

  Chain chain_;
};

}  // namespace weir
