// SPDX-License-Identifier: Apache-2.0
// SplitWatermarks: a watermark generator for each split of a reader, and their minimum.
#pragma once

#include <weir/watermark_strategy.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/stream_element.h"

namespace weir::detail {

/// Knows the newest event time of each split and what follows from it. A split that was not begun
/// holds the watermark back; the watermark never goes back.
///
/// Idleness counts only time in which records could have come: while the reader reads, and while it
/// waits because nothing was there; not while it is held up by back pressure.
///
/// Thread: the subtask's.
class SplitWatermarks {
 public:
  explicit SplitWatermarks(WatermarkRules rules) : rules_(rules) {}

  /// `newest` is what a snapshot remembered of the split; none for a new one.
  void add(const std::string& id, EventTime newest);
  /// Records that follow belong to this split.
  void begin(const std::string& id);
  void end(const std::string& id);
  /// The newest event time of a split; none if it has none.
  EventTime newest(const std::string& id) const;

  void on_record(EventTime time) {
    current_->heard_at = idle_clock_;
    if (time > current_->newest) current_->newest = time;
  }
  /// Around each call that reads. `has_more`: the reader will be called again without waiting.
  void begin_read(const Clock& clock);
  void end_read(const Clock& clock, bool has_more);

  std::optional<Watermark> watermark(const Clock& clock);
  WatermarkStatus status(const Clock& clock) const;

 private:
  struct Split {
    std::string id;
    EventTime newest = EventTime::none();
    std::int64_t heard_at = 0;  // by the idle clock
  };

  Split* find(const std::string& id) const;
  std::int64_t idle_clock(const Clock& clock) const;
  void raise(std::int64_t now);
  bool is_idle(const Split& split, std::int64_t now) const;

  WatermarkRules rules_;
  // They do not move: current_ points at one.
  std::vector<std::unique_ptr<Split>> splits_;
  // Takes records of a reader that names no split.
  Split nowhere_;
  Split* current_ = &nowhere_;
  EventTime last_ = EventTime::none();

  // The idle clock: nanoseconds in which records could have come.
  std::int64_t idle_clock_ = 0;
  std::int64_t read_began_at_ = 0;
  std::optional<std::int64_t> waiting_since_;
  bool is_started_ = false;
};

}  // namespace weir::detail
