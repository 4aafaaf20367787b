// SPDX-License-Identifier: Apache-2.0
// KeyedProcessFunction: a function with keyed state and timers, and what it is given.
#pragma once

#include <weir/output_tag.h>
#include <weir/state.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/fired_watermark.h"
#include "api/operators/operator_ports.h"
#include "api/operators/timer_queue.h"
#include "base/metrics.h"
#include "core/operator_context.h"
#include "core/output.h"

namespace weir {

namespace detail {
template <class T, class KeyBy, class F, class Out>
class ProcessOperator;
}  // namespace detail

enum class TimeDomain { kEventTime, kProcessingTime };

/// A timer that fires. The key is that of the context.
struct Timer {
  TimeDomain domain = TimeDomain::kEventTime;
  EventTime at = EventTime::none();             ///< of an event-time timer, else none
  ProcessingTime due = ProcessingTime::none();  ///< of a processing-time timer, else none
};

/// Registers timers for the current key. There is one timer per key, kind of time and time:
/// registering it again changes nothing.
///
/// Event-time timers fire when the watermark reaches them, in the order of time, before the
/// watermark goes on; one that is registered for the past fires with the next watermark. At the end
/// of the input all of them fire, and processing-time timers do not.
///
/// Thread: the subtask's, while it calls the function.
template <class Key>
class Timers {
 public:
  void register_event_time(EventTime at) { event_time_.add(at, *key_, hash_); }
  void delete_event_time(EventTime at) { event_time_.remove(at, *key_, hash_); }
  void register_processing_time(ProcessingTime at) { processing_time_.add(at, *key_, hash_); }
  void delete_processing_time(ProcessingTime at) { processing_time_.remove(at, *key_, hash_); }

  /// Adds what the timers are as state.
  void append_descriptors(std::vector<StateDescriptor>& states) const {
    states.push_back(event_time_.descriptor());
    states.push_back(processing_time_.descriptor());
  }

 private:
  template <class, class, class, class>
  friend class detail::ProcessOperator;
  template <class>
  friend class KeyedContext;

  TimerQueue<Key, EventTime> event_time_{"event-time-timers"};
  TimerQueue<Key, ProcessingTime> processing_time_{"processing-time-timers"};
  const Key* key_ = nullptr;
  std::uint32_t hash_ = 0;
};

/// What a keyed function may ask while it is called for a record or a timer.
///
/// Thread: the subtask's, while it calls the function.
template <class Key>
class KeyedContext {
 public:
  KeyedContext(const KeyedContext&) = delete;
  KeyedContext& operator=(const KeyedContext&) = delete;

  /// The key of the record or timer; valid until the call returns.
  const Key& key() const { return *timers_.key_; }
  /// Event time of the record or of the event-time timer; none where there is none.
  EventTime time() const { return time_; }
  /// How far event time has come for this key: nothing that old is expected any more. None at
  /// first.
  EventTime watermark() const {
    const EventTime fired = fired_.fired_through(timers_.hash_);
    return fired < advancing_to_ ? advancing_to_ : fired;
  }
  /// The wall clock.
  ProcessingTime now() const { return host_.clock().now(); }

  Timers<Key>& timers() { return timers_; }

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
                  "weir: broadcast state is written by process_broadcast(...) alone: the keyed "
                  "side is not the same in every subtask");
    return {};
  }

  const OperatorInfo& info() const { return host_.info(); }
  MetricGroup& metrics() { return host_.metrics(); }

 private:
  template <class, class, class, class>
  friend class detail::ProcessOperator;
  KeyedContext(OperatorContext& host, const detail::SidePorts& sides, const FiredWatermarks& fired)
      : host_(host), sides_(sides), fired_(fired) {}

  OperatorContext& host_;
  const detail::SidePorts& sides_;
  const FiredWatermarks& fired_;
  Timers<Key> timers_;
  const Batch* input_ = nullptr;
  EventTime time_ = EventTime::none();
  // The watermark whose timers fire now, or fired last.
  EventTime advancing_to_ = EventTime::none();
};

/// What a function may ask when it is opened, before the first record.
class OpenContext {
 public:
  explicit OpenContext(OperatorContext& host) : host_(host) {}
  const OperatorInfo& info() const { return host_.info(); }
  MetricGroup& metrics() { return host_.metrics(); }
  FileStore& files() { return host_.files(); }

 private:
  OperatorContext& host_;
};

/// Base of functions with keyed state and timers; it only names types. A function has
///
///   void process(const In& row, Context& context, Output& out);
///
/// and, where it needs them,
///
///   void declare(States& states);     binds its state handles; no side effects, called often
///   void open(OpenContext& context);  acquires what it needs, once per subtask
///   void on_timer(const Timer& timer, Context& context, Output& out);
///
/// The function is copied for each subtask. `process` and `on_timer` are called directly, never at
/// once, and see the state of the record's or timer's key. What they emit has the event time of the
/// record or event-time timer. Exceptions end the attempt.
template <class KeyT, class In, class Out>
class KeyedProcessFunction {
 public:
  using States = weir::States<KeyT>;
  using Context = KeyedContext<KeyT>;
  using OpenContext = weir::OpenContext;
  using Output = weir::Output<Out>;
  using Timer = weir::Timer;
};

}  // namespace weir
