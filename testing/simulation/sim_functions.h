// SPDX-License-Identifier: Apache-2.0
// The user functions of random jobs: what the oracle computes over whole streams, here over state
// and timers, one record at a time.
#pragma once

#include <weir/broadcast_functions.h>
#include <weir/functions.h>
#include <weir/window.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "testing/simulation/job_spec.h"
#include "testing/simulation/sim_record.h"

namespace weir::simulation {

/// Called for every record of a stage; may throw, as user functions do.
using FailureHook = std::function<void()>;

inline void add_origins(SimRecord& to, const SimRecord& from) {
  to.origins += from.origins;
  to.origin_sum += from.origin_sum;
}

/// `StageKind::kRunningFold`.
inline SimRecord fold(const SimRecord& so_far, const SimRecord& next) {
  SimRecord folded = next;
  folded.value = folded_value(so_far.value, next.value);
  add_origins(folded, so_far);
  return folded;
}

/// A record that is still being made, as state.
struct OpenResult {
  std::int64_t value = 0;
  EventTime last = EventTime::none();
  Text label;
  std::uint32_t origins = 0;
  std::uint64_t origin_sum = 0;
};
WEIR_RECORD(OpenResult, value, last, label, origins, origin_sum)

/// The same in the next version of the program: a field more, one wider, in another order.
struct OpenResult2 {
  std::int64_t touched = 0;
  Text label;
  std::uint64_t origin_sum = 0;
  std::int64_t value = 0;
  std::uint64_t origins = 0;
  EventTime last = EventTime::none();
};
WEIR_RECORD(OpenResult2, touched, label, origin_sum, value, origins, last)

template <class Result>
void take_in(Result& result, const SimRecord& row) {
  result.last = row.at;
  result.label = row.label;
  result.origins += row.origins;
  result.origin_sum += row.origin_sum;
}
template <class Result>
SimRecord finished(const Result& result, std::uint32_t key, EventTime at) {
  const auto origins = static_cast<std::uint32_t>(result.origins);
  return {key, result.value, at, result.label, origins, result.origin_sum};
}

using SimFunction = KeyedProcessFunction<std::uint32_t, SimRecord, SimRecord>;

/// `StageKind::kSessions`: whichever comes first, a timer or a later record, closes a session.
template <class Result>
class Sessions : public SimFunction {
 public:
  Sessions(Millis gap, FailureHook hook) : gap_(gap), hook_(std::move(hook)) {}

  void declare(States& states) { session_ = states.value<Result>("session"); }
  void process(const SimRecord& row, Context& context, Output& out) {
    hook_();
    if (session_.has_value() && row.at - session_.value().last >= gap_) close(context, out);
    session_.update([&row](Result& session) {
      session.value = folded_value(session.value, row.value);
      take_in(session, row);
    });
    context.timers().register_event_time(row.at + gap_);
  }
  // A later record may have moved the end on since this timer was set.
  void on_timer(const Timer& timer, Context& context, Output& out) {
    hook_();
    if (session_.has_value() && session_.value().last + gap_ <= timer.at) close(context, out);
  }

 private:
  void close(Context& context, Output& out) {
    const Result& session = session_.value();
    const EventTime end = session.last + gap_;
    out.emit_at(finished(session, context.key(), end), end);
    session_.clear();
  }

  const Duration gap_;
  const FailureHook hook_;
  ValueState<Result> session_;
};

/// The last millisecond of the span of `size` that holds `time`.
inline EventTime end_of_span(EventTime time, Millis size) {
  const Millis rest = ((time.millis() % size) + size) % size;
  return EventTime{time.millis() - rest + size - 1};
}

/// `StageKind::kBuckets`: a window aggregate by hand.
template <class Result>
class Buckets : public SimFunction {
 public:
  Buckets(Millis size, FailureHook hook) : size_(size), hook_(std::move(hook)) {}

  void declare(States& states) { buckets_ = states.map<EventTime, Result>("buckets"); }
  void process(const SimRecord& row, Context& context, Output&) {
    hook_();
    const EventTime end = end_of_span(row.at, size_);
    buckets_.update(end, [&row](Result& bucket) {
      bucket.value += row.value + 1;
      take_in(bucket, row);
    });
    context.timers().register_event_time(end);
  }
  void on_timer(const Timer& timer, Context& context, Output& out) {
    hook_();
    const Result* const bucket = buckets_.get(timer.at);
    if (bucket == nullptr) throw std::logic_error("I10: a timer fired without its bucket");
    out.emit(finished(*bucket, context.key(), timer.at));
    buckets_.remove(timer.at);
  }

 private:
  const Millis size_;
  const FailureHook hook_;
  MapState<EventTime, Result> buckets_;
};

/// `StageKind::kCollected`: keeps whole records until their span is over.
class Collected : public SimFunction {
 public:
  Collected(Millis size, FailureHook hook) : size_(size), hook_(std::move(hook)) {}

  void declare(States& states) { rows_ = states.list<SimRecord>("rows"); }
  void process(const SimRecord& row, Context& context, Output&) {
    hook_();
    rows_.add(row);
    context.timers().register_event_time(end_of_span(row.at, size_));
  }
  void on_timer(const Timer& timer, Context& context, Output& out) {
    hook_();
    std::vector<SimRecord> due;
    std::vector<SimRecord> rest;
    for (const SimRecord& row : rows_.get()) {
      (row.at <= timer.at ? due : rest).push_back(row);
    }
    if (due.empty()) throw std::logic_error("I10: a timer fired without its records");
    std::sort(due.begin(), due.end(),
              [](const SimRecord& a, const SimRecord& b) { return a.value < b.value; });
    SimRecord result{context.key(), 0, timer.at, due.front().label, 0, 0};
    for (const SimRecord& row : due) {
      result.value = folded_value(result.value, row.value);
      add_origins(result, row);
    }
    out.emit(result);
    rows_.update(rest);
  }

 private:
  const Millis size_;
  const FailureHook hook_;
  ListState<SimRecord> rows_;
};

/// `StageKind::kTotals`.
class Totals : public SimFunction {
 public:
  explicit Totals(FailureHook hook) : hook_(std::move(hook)) {}

  void declare(States& states) {
    sum_ = states.reducing<std::int64_t>("sum", std::plus<std::int64_t>());
    rest_ = states.aggregating<SimRecord, OpenResult, OpenResult>(
        "largest-and-origins",
        [](OpenResult& largest, const SimRecord& row) {
          largest.value = largest.origins == 0 ? row.value : std::max(largest.value, row.value);
          take_in(largest, row);
        },
        [](const OpenResult& largest) { return largest; });
  }
  void process(const SimRecord& row, Context& context, Output&) {
    hook_();
    sum_.add(row.value);
    rest_.add(row);
    context.timers().register_event_time(EventTime{kTotalsAt});
  }
  void on_timer(const Timer& timer, Context& context, Output& out) {
    hook_();
    SimRecord total = finished(rest_.get().value(), context.key(), timer.at);
    total.value += *sum_.get();
    out.emit(total);
    sum_.clear();
    rest_.clear();
  }

 private:
  const FailureHook hook_;
  ReducingState<std::int64_t> sum_;
  AggregatingState<SimRecord, OpenResult, OpenResult> rest_;
};

/// `StageKind::kBroadcastJoin`: what the broadcast side comes to shows when all input has ended.
/// Its sums do not depend on the order of records.
class BroadcastJoin
    : public KeyedBroadcastProcessFunction<std::uint32_t, SimRecord, SimRecord, SimRecord> {
 public:
  explicit BroadcastJoin(FailureHook hook) : hook_(std::move(hook)) {}

  void declare(States& states) {
    total_ = states.value<OpenResult>("total");
    sums_ = states.broadcast<std::uint32_t, OpenResult>("sums");
  }
  void process(const SimRecord& row, Context& context, Output&) {
    hook_();
    total_.update([&row](OpenResult& total) {
      total.value += row.value;
      take_in(total, row);
    });
    context.timers().register_event_time(EventTime{kTotalsAt});
  }
  void process_broadcast(const SimRecord& row, BroadcastContext& context, Output&) {
    hook_();
    context.write(sums_).update(row.key, [&row](OpenResult& sum) {
      sum.value += row.value + 1;
      sum.last = std::max(sum.last, row.at);
      sum.label = std::max(sum.label, row.label);
      sum.origins += row.origins;
      sum.origin_sum += row.origin_sum;
    });
  }
  void on_timer(const Timer& timer, Context& context, Output& out) {
    hook_();
    SimRecord total = finished(total_.value(), context.key(), timer.at);
    std::int64_t digest = 0;
    for (const auto& [key, sum] : sums_.entries()) {
      if (!is_intact(sum.label.view()))
        throw std::logic_error("I1: a label in broadcast state is damaged");
      digest = folded_value(digest, sum.value + key);
      total.origins += sum.origins;
      total.origin_sum += sum.origin_sum;
    }
    total.value += digest;
    out.emit(total);
    total_.clear();
  }

 private:
  const FailureHook hook_;
  ValueState<OpenResult> total_;
  BroadcastState<std::uint32_t, OpenResult> sums_;
};

/// `StageKind::kTumbling`, `kSliding` and `kLateWindow`.
struct SumAggregate {
  FailureHook hook;
  OpenResult accumulator() const { return {}; }
  void add(OpenResult& sum, const SimRecord& row) const {
    hook();
    sum.value += row.value + 1;
    take_in(sum, row);
  }
  void merge(OpenResult& sum, const OpenResult& other) const {
    sum.value += other.value;
    sum.origins += other.origins;
    sum.origin_sum += other.origin_sum;
    if (other.origins > 0) sum.label = other.label;
  }
};
inline SimRecord window_result(std::uint32_t key, const TimeWindow& window, const OpenResult& sum) {
  return finished(sum, key, window.max_timestamp());
}

/// `StageKind::kTumblingReduce`.
inline SimRecord larger(const SimRecord& a, const SimRecord& b) {
  SimRecord largest = a.value < b.value ? b : a;
  largest.origins = a.origins + b.origins;
  largest.origin_sum = a.origin_sum + b.origin_sum;
  return largest;
}
inline SimRecord reduced_result(std::uint32_t key, const TimeWindow& window,
                                const SimRecord& largest) {
  SimRecord result = largest;
  result.key = key;
  result.at = window.max_timestamp();
  return result;
}

}  // namespace weir::simulation
