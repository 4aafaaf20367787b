// SPDX-License-Identifier: Apache-2.0
// The minimum over splits, and when one no longer counts.
#include "api/operators/split_watermarks.h"

#include <algorithm>
#include <chrono>

#include "core/mutants.h"

namespace weir::detail {

void SplitWatermarks::add(const std::string& id, EventTime newest) {
  splits_.push_back(std::make_unique<Split>(Split{id, newest, idle_clock_}));
}

SplitWatermarks::Split* SplitWatermarks::find(const std::string& id) const {
  const auto found = std::find_if(splits_.begin(), splits_.end(),
                                  [&id](const auto& split) { return split->id == id; });
  return found == splits_.end() ? nullptr : found->get();
}

void SplitWatermarks::begin(const std::string& id) {
  Split* split = find(id);
  current_ = split != nullptr ? split : &nowhere_;
}

void SplitWatermarks::end(const std::string& id) {
  raise(idle_clock_);  // what the split has shown still counts
  if (current_->id == id) current_ = &nowhere_;
  std::erase_if(splits_, [&id](const auto& split) { return split->id == id; });
  nowhere_.heard_at = idle_clock_;
}

EventTime SplitWatermarks::newest(const std::string& id) const {
  const Split* split = find(id);
  return split != nullptr ? split->newest : EventTime::none();
}

void SplitWatermarks::begin_read(const Clock& clock) {
  if (!rules_.idleness.has_value()) return;
  const std::int64_t now = clock.monotonic_nanos();
  if (is_started_ && waiting_since_.has_value()) idle_clock_ += now - *waiting_since_;
  is_started_ = true;
  waiting_since_.reset();
  read_began_at_ = now;
}

void SplitWatermarks::end_read(const Clock& clock, bool has_more) {
  if (!rules_.idleness.has_value()) return;
  const std::int64_t now = clock.monotonic_nanos();
  idle_clock_ += now - read_began_at_;
  if (!has_more) waiting_since_ = now;
}

std::int64_t SplitWatermarks::idle_clock(const Clock& clock) const {
  if (!is_started_ || !waiting_since_.has_value()) return idle_clock_;
  return idle_clock_ + clock.monotonic_nanos() - *waiting_since_;
}

bool SplitWatermarks::is_idle(const Split& split, std::int64_t now) const {
  return rules_.idleness.has_value() &&
         std::chrono::nanoseconds(now - split.heard_at) > *rules_.idleness;
}

std::optional<Watermark> SplitWatermarks::watermark(const Clock& clock) {
  raise(idle_clock(clock));
  if (last_.is_none()) return std::nullopt;
  return Watermark{last_};
}

void SplitWatermarks::raise(std::int64_t now) {
  if (!rules_.out_of_orderness.has_value()) return;
  EventTime least = EventTime::max();
  bool has_active = false;
  for (const auto& split : splits_) {
    if (is_idle(*split, now)) continue;
    if (WEIR_MUTANT(B28) && split->newest.is_none()) continue;
    has_active = true;
    least = std::min(least, split->newest);
  }
  // Without a split, or with one that has no record yet, time stands still.
  if (has_active && !least.is_none()) {
    last_ = std::max(last_, least - *rules_.out_of_orderness - Duration{1});
  }
}

WatermarkStatus SplitWatermarks::status(const Clock& clock) const {
  if (!rules_.idleness.has_value()) return WatermarkStatus::kActive;
  const std::int64_t now = idle_clock(clock);
  const bool all_idle =
      splits_.empty() ? is_idle(nowhere_, now)
                      : std::all_of(splits_.begin(), splits_.end(), [this, now](const auto& split) {
                          return is_idle(*split, now);
                        });
  return all_idle ? WatermarkStatus::kIdle : WatermarkStatus::kActive;
}

}  // namespace weir::detail
