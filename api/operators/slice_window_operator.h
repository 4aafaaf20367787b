// SPDX-License-Identifier: Apache-2.0
// SliceWindowOperator: tumbling and sliding event-time windows over slices.
//
// A record updates one accumulator, that of its key and slice, however many windows overlap. When
// the watermark passes the end of a window, its slices are merged key by key. So there is no timer
// per key, and closing a tumbling window is a walk over one table.
#pragma once

#include <weir/aggregates.h>
#include <weir/window.h>

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "api/operators/fired_watermark.h"
#include "api/operators/keyed_input.h"
#include "api/operators/operator_ports.h"
#include "api/operators/slice_state.h"
#include "core/operator.h"

namespace weir::detail {

/// What a window operator does with time.
struct WindowOptions {
  WindowAssigner windows;
  Duration allowed_lateness{0};
  std::string late_tag = {};  ///< name of the side output for late records; empty: drop and count
};

/// Where a window's result is shaped: `emit(key, window, value)`, or with a `TextMaker&` behind it.
template <class Emit, class Key, class Value>
decltype(auto) call_window_emit(const Emit& emit, const Key& key, const TimeWindow& window,
                                const Value& value, TextMaker& text) {
  if constexpr (std::invocable<const Emit&, const Key&, const TimeWindow&, const Value&>) {
    (void)text;
    return std::invoke(emit, key, window, value);
  } else {
    return std::invoke(emit, key, window, value, text);
  }
}
/// Shapes a result where the program gives no function.
struct PlainWindowEmit {
  template <class Key, class Value>
  WindowResult<Key, Value> operator()(const Key& key, const TimeWindow& window,
                                      const Value& value) const {
    return {key, window.start, window.end, value};
  }
};
template <class Emit, class Key, class Value>
using WindowEmitResult = std::remove_cvref_t<decltype(call_window_emit(
    std::declval<const Emit&>(), std::declval<const Key&>(), std::declval<const TimeWindow&>(),
    std::declval<const Value&>(), std::declval<TextMaker&>()))>;

/// Shape: rows of T by key in, results of `Emit` out, each with the last millisecond of its window
///        as event time; at most one per key, window and firing.
/// State: an accumulator per key and slice until `allowed_lateness` after its last window.
template <class T, class KeyBy, class Aggregate, class Emit = PlainWindowEmit>
class SliceWindowOperator final : public Operator {
 public:
  using Key = typename KeyBy::Key;
  using Accumulator = AccumulatorOf<Aggregate>;
  using Out = WindowEmitResult<Emit, Key, AggregateValue<Aggregate>>;

  SliceWindowOperator(KeyBy key_by, Aggregate aggregate, Emit emit, WindowOptions options,
                      std::shared_ptr<const SideOutputs> sides = nullptr)
      : input_(std::move(key_by)),
        aggregate_(std::move(aggregate)),
        emit_(std::move(emit)),
        options_(std::move(options)),
        initial_(aggregate_.accumulator()),
        grid_(options_.windows.size.count(), options_.windows.slide.count(),
              options_.windows.shift.count()),
        state_(options_.windows),
        merged_(state_.descriptor()),
        ports_(out_, std::move(sides)) {}

  void open(OperatorContext& context) override {
    const OperatorInfo& info = context.info();
    fired_.emplace(hash_range(info.key_groups, info.max_parallelism));
    context.state().add(state_);
    context.state().add(*fired_);
    late_counter_ = &context.metrics().counter("numLateRecordsDropped");
    if (!options_.late_tag.empty()) late_port_ = ports_.template find<T>(options_.late_tag);
  }

  void process_batch(InputIndex, BatchView view) override;
  Progress advance_watermark(Watermark watermark, Budget& budget) override;
  std::span<OutputPort* const> outputs() override { return ports_.all(); }

 private:
  using Table = typename SliceState<Key, Accumulator>::Table;
  static constexpr std::size_t kPrefetchAhead = 16;
  // Event times beyond this are refused, so that arithmetic on windows stays in range.
  static constexpr std::int64_t kMillisMax = std::int64_t{1} << 61;
  static constexpr std::int64_t kNoWindow = std::numeric_limits<std::int64_t>::max();

  // A slice that rows fall into, and when it is too late for it.
  struct Current {
    std::int64_t begin = 0;
    std::int64_t end = 0;  // empty at first, so that the first row selects
    bool in_window = false;
    Table* table = nullptr;
    std::int64_t first_fires = 0;  // last millisecond of the first window with the slice
    std::int64_t dead_after = 0;   // watermark at which the last window with it is cleaned up
  };
  // The window that is being fired, in steps.
  struct Firing {
    std::int64_t window = kNoWindow;
    enum class Stage { kNone, kMerging, kEmitting } stage = Stage::kNone;
    std::int64_t slice = 0;  // merging: where the current slice begins
    std::size_t chunk = 0;   // of the table being walked
    Table* table = nullptr;  // emitting: what is walked
  };

  std::int64_t saturated(std::int64_t time, Duration more) const {
    return (EventTime{time} + more).millis();
  }
  void select_slice(EventTime time);
  void take_late(const T& row, EventTime time, const Batch& batch);
  void add_row(Table& table, const T& row, std::uint32_t hash);
  void fire_again(const Key& key, std::uint32_t hash, EventTime fired);
  std::int64_t first_unfired() const;
  std::int64_t next_window(std::int64_t from) const;
  void start_firing(std::int64_t window);
  bool fire_step(Budget& budget);
  void merge_entry(const Key& key, std::uint32_t hash, const Accumulator& accumulator);
  void emit(const Key& key, std::int64_t window, const Accumulator& accumulator);
  void drop_dead_slices(std::int64_t watermark);

  KeyedInput<T, KeyBy> input_;
  Aggregate aggregate_;
  Emit emit_;
  WindowOptions options_;
  Accumulator initial_;
  SliceGrid grid_;

  SliceState<Key, Accumulator> state_;
  std::optional<FiredWatermarks> fired_;
  // Slices that rows fell into lately: out of order they change from row to row.
  std::array<Current, 8> recent_{};
  std::size_t replaced_next_ = 0;
  Current* current_ = recent_.data();
  // Watermarks: what is being fired up to, and where to go on.
  std::optional<std::int64_t> advancing_;
  Firing firing_;
  // The window that slices are merged into; not state, because no snapshot falls into a firing.
  Table merged_;

  Output<Out> out_;
  SidePorts ports_;
  Output<T>* late_port_ = nullptr;
  Counter* late_counter_ = nullptr;
};

// Implementation details follow.

template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::process_batch(InputIndex, BatchView view) {
  const auto rows = view.template typed<T>().rows();
  const auto times = view.batch.times();
  const std::uint32_t* hashes = input_.hashes(view);
  out_.begin_input(nullptr);
  for (std::size_t i = view.begin; i < view.end; ++i) {
    const std::int64_t time = times[i].millis();
    if (time < current_->begin || time >= current_->end) [[unlikely]]
      select_slice(times[i]);
    const std::uint32_t hash = hashes[i];
    const EventTime fired = fired_->fired_through(hash);
    if (fired.millis() >= current_->dead_after) [[unlikely]] {
      take_late(rows[i], times[i], view.batch);
      continue;
    }
    if (!current_->in_window) [[unlikely]] {
      // In no window: late if its time is, else ignored.
      if (fired.millis() >= saturated(time, options_.allowed_lateness)) {
        take_late(rows[i], times[i], view.batch);
      }
      continue;
    }
    if (current_->table == nullptr) [[unlikely]]
      current_->table = &state_.table(current_->begin);
    if (i + kPrefetchAhead < view.end) {
      current_->table->prefetch(hashes[i + kPrefetchAhead]);
      current_->table->prefetch_entry(hashes[i + kPrefetchAhead / 2]);
    }
    add_row(*current_->table, rows[i], hash);
    if (fired.millis() >= current_->first_fires) [[unlikely]] {
      fire_again(input_.key(rows[i]), hash, fired);
    }
  }
}

template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::select_slice(EventTime time) {
  if (time.is_none()) {
    throw StatusError(Status(StatusCode::kInvalidArgument,
                             "a record without event time came to a window: give its source a "
                             "watermark strategy with_event_time(...)",
                             ErrorDomain::kUser, RetryHint::kNo));
  }
  if (time.millis() > kMillisMax || time.millis() < -kMillisMax) {
    throw StatusError(Status(StatusCode::kOutOfRange,
                             "an event time is too far away for a window: " + to_string(time),
                             ErrorDomain::kUser, RetryHint::kNo));
  }
  for (Current& recent : recent_) {
    if (time.millis() >= recent.begin && time.millis() < recent.end) {
      current_ = &recent;
      return;
    }
  }
  current_ = &recent_[replaced_next_++ % recent_.size()];
  const SliceGrid::Slice slice = grid_.slice_of(time.millis());
  const std::int64_t last_window = grid_.slide_start(slice.begin);
  *current_ = {
      slice.begin,
      slice.end,
      slice.in_window,
      nullptr,
      slice.in_window ? grid_.first_window_with(slice.begin) + grid_.size() - 1 : kNoWindow,
      slice.in_window ? saturated(last_window + grid_.size() - 1, options_.allowed_lateness)
                      : kNoWindow};
  const auto found = state_.slices().find(slice.begin);
  if (found != state_.slices().end()) current_->table = found->second.get();
}

template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::take_late(const T& row, EventTime time,
                                                               const Batch& batch) {
  if (late_port_ == nullptr) {
    late_counter_->add();
    return;
  }
  late_port_->begin_input(&batch);
  late_port_->emit_at(row, time);
}

template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::add_row(Table& table, const T& row,
                                                             std::uint32_t hash) {
  if constexpr (kHoldsText<Accumulator>) {
    const Key key = input_.key(row);
    const bool is_new = table.find(key, hash) == nullptr;
    table.update(key, hash, [&](Accumulator& accumulator) {
      if (is_new) accumulator = initial_;
      aggregate_.add(accumulator, row);
    });
  } else {
    aggregate_.add(table.find_or_insert(input_.key(row), hash, initial_), row);
  }
}

// Once per late record: every window that has fired for its key and is not cleaned up gives a new
// result.
template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::fire_again(const Key& key, std::uint32_t hash,
                                                                EventTime fired) {
  const std::int64_t last = grid_.slide_start(current_->begin);
  for (std::int64_t window = grid_.first_window_with(current_->begin); window <= last;
       window += grid_.slide()) {
    const std::int64_t fires = window + grid_.size() - 1;
    if (fires > fired.millis()) break;
    if (saturated(fires, options_.allowed_lateness) <= fired.millis()) continue;
    Accumulator total = initial_;
    for (auto slice = state_.slices().lower_bound(window);
         slice != state_.slices().end() && slice->first < window + grid_.size(); ++slice) {
      const Accumulator* part = slice->second->find(key, hash);
      if (part != nullptr) aggregate_.merge(total, *part);
    }
    emit(key, window, total);
  }
}

template <class T, class KeyBy, class Aggregate, class Emit>
Progress SliceWindowOperator<T, KeyBy, Aggregate, Emit>::advance_watermark(Watermark watermark,
                                                                           Budget& budget) {
  const std::int64_t target = watermark.time.millis();
  out_.begin_input(nullptr);
  if (advancing_ != target) {
    advancing_ = target;
    firing_ = {};
    firing_.window = next_window(first_unfired());
  }
  while (firing_.window != kNoWindow && firing_.window + grid_.size() - 1 <= target) {
    if (firing_.stage == Firing::Stage::kNone) start_firing(firing_.window);
    while (!fire_step(budget)) {
      if (budget.exhausted()) return Progress::kMore;
    }
    firing_.stage = Firing::Stage::kNone;
    firing_.window = next_window(firing_.window + grid_.slide());
    if (budget.exhausted() && firing_.window != kNoWindow) return Progress::kMore;
  }
  fired_->advance(watermark.time);
  drop_dead_slices(target);
  advancing_.reset();
  return Progress::kDone;
}

template <class T, class KeyBy, class Aggregate, class Emit>
std::int64_t SliceWindowOperator<T, KeyBy, Aggregate, Emit>::first_unfired() const {
  const std::int64_t fired = fired_->least().millis();
  if (fired < -kMillisMax) return std::numeric_limits<std::int64_t>::min();
  if (fired > kMillisMax) return kNoWindow;
  return grid_.first_window_ending_after(fired);
}

// The first window at or after `from` that has a slice; kNoWindow if there is none.
template <class T, class KeyBy, class Aggregate, class Emit>
std::int64_t SliceWindowOperator<T, KeyBy, Aggregate, Emit>::next_window(std::int64_t from) const {
  if (from == kNoWindow) return kNoWindow;
  const auto slice = state_.slices().lower_bound(from);
  if (slice == state_.slices().end()) return kNoWindow;
  const std::int64_t first = grid_.first_window_with(slice->first);
  return first > from ? first : from;
}

template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::start_firing(std::int64_t window) {
  const auto first = state_.slices().lower_bound(window);
  const auto next = first == state_.slices().end() ? first : std::next(first);
  firing_.chunk = 0;
  if (next == state_.slices().end() || next->first >= window + grid_.size()) {
    // One slice: it is the window.
    firing_.stage = Firing::Stage::kEmitting;
    firing_.table = first->second.get();
    return;
  }
  merged_.clear();
  merged_.tidy();
  firing_.stage = Firing::Stage::kMerging;
  firing_.slice = first->first;
}

// Does a chunk's worth of work; returns whether the window has fired.
template <class T, class KeyBy, class Aggregate, class Emit>
bool SliceWindowOperator<T, KeyBy, Aggregate, Emit>::fire_step(Budget& budget) {
  std::size_t worked = 1;
  bool done = false;
  if (firing_.stage == Firing::Stage::kMerging) {
    const auto slice = state_.slices().find(firing_.slice);
    const bool more = slice->second->for_each_in_chunk(
        firing_.chunk++, [&](const Key& key, std::uint32_t hash, const Accumulator& accumulator) {
          merge_entry(key, hash, accumulator);
          ++worked;
        });
    if (!more) {
      const auto next = std::next(slice);
      firing_.chunk = 0;
      if (next != state_.slices().end() && next->first < firing_.window + grid_.size()) {
        firing_.slice = next->first;
      } else {
        firing_.stage = Firing::Stage::kEmitting;
        firing_.table = &merged_;
      }
    }
  } else {
    const std::int64_t fires = firing_.window + grid_.size() - 1;
    done = !firing_.table->for_each_in_chunk(
        firing_.chunk++, [&](const Key& key, std::uint32_t hash, const Accumulator& accumulator) {
          // After a rescale some keys may have fired further than others.
          if (fired_->fired_through(hash).millis() < fires) {
            emit(key, firing_.window, accumulator);
          }
          ++worked;
        });
  }
  budget.spend(worked);
  return done;
}

template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::merge_entry(const Key& key, std::uint32_t hash,
                                                                 const Accumulator& accumulator) {
  if constexpr (kHoldsText<Accumulator>) {
    const bool is_new = merged_.find(key, hash) == nullptr;
    merged_.update(key, hash, [&](Accumulator& total) {
      if (is_new) total = initial_;
      aggregate_.merge(total, accumulator);
    });
  } else {
    aggregate_.merge(merged_.find_or_insert(key, hash, initial_), accumulator);
  }
}

template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::emit(const Key& key, std::int64_t window,
                                                          const Accumulator& accumulator) {
  const TimeWindow bounds{EventTime{window}, EventTime{window + grid_.size()}};
  out_.emit_at(
      call_window_emit(emit_, key, bounds, aggregate_result(aggregate_, accumulator), out_.maker()),
      bounds.max_timestamp());
}

template <class T, class KeyBy, class Aggregate, class Emit>
void SliceWindowOperator<T, KeyBy, Aggregate, Emit>::drop_dead_slices(std::int64_t watermark) {
  while (!state_.slices().empty()) {
    const auto first = state_.slices().begin();
    const std::int64_t last_window = grid_.slide_start(first->first);
    if (saturated(last_window + grid_.size() - 1, options_.allowed_lateness) > watermark) break;
    state_.drop(first);
  }
  recent_ = {};
}

}  // namespace weir::detail
