// SPDX-License-Identifier: Apache-2.0
// WindowReference: windows as Flink's WindowOperator has them, one by one. The oracle of the
// slices.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "tests/unit/api/rows.h"

namespace weir::test {

/// A result: key, window start, records and their sum.
struct WindowSum {
  std::int64_t key = 0;
  std::int64_t start = 0;
  std::int64_t records = 0;
  std::int64_t sum = 0;
  auto operator<=>(const WindowSum&) const = default;
};
WEIR_RECORD(WindowSum, key, start, records, sum)

/// Keeps each window of each key by itself. Written from the formulas of Flink's WindowOperator,
/// EventTimeTrigger and assigners; shares nothing with the operator under test.
class WindowReference {
 public:
  WindowReference(std::int64_t size, std::int64_t slide, std::int64_t offset, std::int64_t lateness)
      : size_(size), slide_(slide), offset_(offset), lateness_(lateness) {}

  void process(const Reading& reading) {
    const std::int64_t time = reading.at.millis();
    bool is_skipped = true;
    for (const std::int64_t start : windows_of(time)) {
      if (is_late(start)) continue;
      is_skipped = false;
      WindowSum& window = windows_[{start, reading.sensor}];
      window.key = reading.sensor;
      window.start = start;
      ++window.records;
      window.sum += reading.value;
      if (max_timestamp(start) <= watermark_) results_.push_back({window, at(start)});
    }
    if (is_skipped && time + lateness_ <= watermark_) late_.push_back(reading);
  }

  void advance_watermark(std::int64_t watermark) {
    const std::int64_t before = watermark_;
    watermark_ = std::max(watermark_, watermark);
    // The map is ordered by start, so windows fire in the order of time.
    for (auto window = windows_.begin(); window != windows_.end();) {
      const std::int64_t start = window->first.first;
      const std::int64_t fires_at = max_timestamp(start);
      if (before < fires_at && fires_at <= watermark_) {
        results_.push_back({window->second, at(start)});
      }
      window = is_late(start) ? windows_.erase(window) : std::next(window);
    }
  }

  std::vector<Timed<WindowSum>> take_results() { return std::exchange(results_, {}); }
  std::vector<Reading> take_late() { return std::exchange(late_, {}); }

 private:
  std::int64_t max_timestamp(std::int64_t start) const { return start + size_ - 1; }
  EventTime at(std::int64_t start) const { return EventTime(max_timestamp(start)); }
  bool is_late(std::int64_t start) const { return max_timestamp(start) + lateness_ <= watermark_; }
  // SlidingEventTimeWindows.assignWindows: the last one first.
  std::vector<std::int64_t> windows_of(std::int64_t time) const {
    const std::int64_t remainder = (time - offset_) % slide_;
    const std::int64_t last = remainder < 0 ? time - (remainder + slide_) : time - remainder;
    std::vector<std::int64_t> starts;
    for (std::int64_t start = last; start > time - size_; start -= slide_) starts.push_back(start);
    return starts;
  }

  std::int64_t size_;
  std::int64_t slide_;
  std::int64_t offset_;
  std::int64_t lateness_;
  std::int64_t watermark_ = EventTime::none().millis();
  std::map<std::pair<std::int64_t, std::int64_t>, WindowSum> windows_;
  std::vector<Timed<WindowSum>> results_;
  std::vector<Reading> late_;
};

}  // namespace weir::test
