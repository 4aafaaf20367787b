// SPDX-License-Identifier: Apache-2.0
// KeyedBroadcastProcessFunction, BroadcastProcessFunction: functions of a stream and of a broadcast
// stream, and what they are given.
#pragma once

#include <weir/functions.h>
#include <weir/operator_state.h>
#include <weir/output_tag.h>

#include "api/operators/operator_ports.h"
#include "base/metrics.h"
#include "base/time.h"
#include "core/operator_context.h"
#include "core/output.h"

namespace weir {

namespace detail {
template <class T, class KeyBy, class B, class F, class Out>
class KeyedBroadcastOperator;
template <class T, class B, class F, class Out>
class BroadcastOperator;
}  // namespace detail

/// What a function may ask while it is called for a record that has no key.
///
/// Thread: the subtask's, while it calls the function.
class RecordContext {
 public:
  RecordContext(const RecordContext&) = delete;
  RecordContext& operator=(const RecordContext&) = delete;

  /// Event time of the record; none where there is none.
  EventTime time() const { return time_; }
  /// How far event time has come here, by both inputs. None at first.
  EventTime watermark() const { return watermark_; }
  /// The wall clock.
  ProcessingTime now() const { return host_.clock().now(); }

  /// Writes to a side output; nothing happens if nobody reads it.
  template <class T>
  void emit(const OutputTag<T>& tag, const T& row) {
    if (Output<T>* output = sides_.find<T>(tag.name())) {
      output->begin_input(input_);
      output->emit_at(row, time_);
    }
  }

  template <class K, class V>
  detail::Broken write(const BroadcastState<K, V>&) {
    static_assert(detail::kNever<K, V>,
                  "weir: broadcast state is written by process_broadcast(...) alone: the other "
                  "side is not the same in every subtask");
    return {};
  }

  const OperatorInfo& info() const { return host_.info(); }
  MetricGroup& metrics() { return host_.metrics(); }

 protected:
  RecordContext(OperatorContext& host, const detail::SidePorts& sides)
      : host_(host), sides_(sides) {}

 private:
  template <class, class, class, class, class>
  friend class detail::KeyedBroadcastOperator;
  template <class, class, class, class>
  friend class detail::BroadcastOperator;

  OperatorContext& host_;
  const detail::SidePorts& sides_;
  const Batch* input_ = nullptr;
  EventTime time_ = EventTime::none();
  EventTime watermark_ = EventTime::none();
};

/// What a function may ask while it is called for a record of the broadcast stream: as for any
/// other, and to write broadcast state.
class BroadcastContext : public RecordContext {
 public:
  /// `context.write(rules).put(key, value)`.
  template <class K, class V>
  BroadcastWriter<K, V> write(const BroadcastState<K, V>& state) {
    return BroadcastWriter<K, V>(state.table());
  }

 private:
  template <class, class, class, class, class>
  friend class detail::KeyedBroadcastOperator;
  template <class, class, class, class>
  friend class detail::BroadcastOperator;
  using RecordContext::RecordContext;
};

/// Base of functions of a keyed stream connected to a broadcast stream; it only names types. A
/// function has
///
///   void declare(States& states);     binds its state handles: keyed ones as in any process
///                                     function, and those that the broadcast stream names by
///                                     states.broadcast<Key, Value>(name)
///   void process(const In& row, Context& context, Output& out);
///   void process_broadcast(const Broadcast& row, BroadcastContext& context, Output& out);
///
/// and, where it needs them, `open` and `on_timer` as a KeyedProcessFunction.
///
/// `process` and `on_timer` see the keyed state of their key and read broadcast state.
/// `process_broadcast` is called in every subtask for every record of the broadcast stream, and
/// writes broadcast state: it must not depend on the subtask, nor on the order of records of
/// different producers. It has no key, so it may use no keyed state and set no timer. Whether it or
/// `process` sees its record first is not defined.
template <class KeyT, class In, class Broadcast, class Out>
class KeyedBroadcastProcessFunction {
 public:
  using States = weir::States<KeyT>;
  using Context = KeyedContext<KeyT>;
  using BroadcastContext = weir::BroadcastContext;
  using OpenContext = weir::OpenContext;
  using Output = weir::Output<Out>;
  using Timer = weir::Timer;
};

/// The same for a stream without keys: no keyed state and no timers. Its states are broadcast
/// states and lists of the subtask.
template <class In, class Broadcast, class Out>
class BroadcastProcessFunction {
 public:
  using States = weir::OperatorStates;
  using Context = RecordContext;
  using BroadcastContext = weir::BroadcastContext;
  using OpenContext = weir::OpenContext;
  using Output = weir::Output<Out>;
};

}  // namespace weir
