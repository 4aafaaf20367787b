// SPDX-License-Identifier: Apache-2.0
// Event-time windows: TimeWindow, and the assigners tumbling(...) and sliding(...).
#pragma once

#include <compare>

#include "base/time.h"
#include "types/record.h"
#include "types/type_kind.h"

namespace weir {

/// The event times `[start, end)`. Results of a window carry `max_timestamp()` as event time.
struct TimeWindow {
  EventTime start;
  EventTime end;
  EventTime max_timestamp() const { return end - Duration{1}; }
  friend auto operator<=>(const TimeWindow&, const TimeWindow&) = default;
  WEIR_RECORD_INSIDE(TimeWindow, start, end)
};

/// Puts records into windows of one size, one beginning every `slide`.
///
/// Requires: size > 0, slide > 0, |offset| < slide, size / slide <= 10,000,000; `execute` checks.
/// Source:   Flink, TumblingEventTimeWindows and SlidingEventTimeWindows.
struct WindowAssigner {
  Duration size;
  Duration slide;
  Duration shift{0};

  /// Moves all windows: `tumbling(24h).offset(-8h)` begins days at 16:00 UTC.
  WindowAssigner offset(Duration by) const { return {size, slide, by}; }
};

/// Windows without gap or overlap, aligned to the epoch.
inline WindowAssigner tumbling(Duration size) { return {size, size, Duration{0}}; }
/// Windows of `size`, one beginning every `slide`; a record is in `size / slide` of them.
inline WindowAssigner sliding(Duration size, Duration slide) { return {size, slide, Duration{0}}; }

/// What a window gives where no function shapes its result.
template <class Key, class Value>
struct WindowResult {
  Key key;
  EventTime start;
  EventTime end;
  Value value;
  WEIR_RECORD_INSIDE(WindowResult, key, start, end, value)
};

}  // namespace weir
