// SPDX-License-Identifier: Apache-2.0
// WatermarkMerger: the watermark of several channels as one, where some are idle or have ended.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.h"
#include "core/ids.h"
#include "core/mutants.h"
#include "core/stream_element.h"

namespace weir {

/// Takes the minimum of the watermarks of all channels that count. A channel counts while it is
///
/// - active, and has caught up: one that was idle counts again once its watermark has reached what
///   was given out meanwhile;
/// - not finished. The end of time that comes with a finished channel never stands for the others:
///   time reaches its end only when all channels have finished. A watermark at `EventTime::max()`
///   says the same as the end of its channel.
///
/// When the last channel that is not finished turns idle, time goes to the latest watermark of the
/// idle ones and the output is idle. The output never goes back.
///
/// The watermark of each channel is kept and the minimum derived anew at every change of status:
/// nothing is carried over from what counted before.
///
/// Thread: one.
/// Cost:   the number of channels, per watermark.
/// Source: Flink, StatusWatermarkValve; FLINK-38477 for the third status.
class WatermarkMerger {
 public:
  /// What changed. A new watermark goes out before a new status.
  struct Update {
    std::optional<Watermark> watermark;
    std::optional<WatermarkStatus> status;
    friend bool operator==(const Update&, const Update&) = default;
  };

  explicit WatermarkMerger(std::size_t channels) : channels_(channels) {}

  /// A watermark that goes back, or comes on an idle or finished channel, is ignored.
  Update on_watermark(ChannelIndex index, Watermark watermark) {
    Channel& channel = channels_[index.value()];
    if (channel.state != State::kActive || watermark.time <= channel.time) return {};
    channel.time = watermark.time;
    if (channel.time == EventTime::max()) channel.state = State::kFinished;
    return derive();
  }

  Update on_status(ChannelIndex index, WatermarkStatus status) {
    Channel& channel = channels_[index.value()];
    const State state = status == WatermarkStatus::kIdle ? State::kIdle : State::kActive;
    if (channel.state == State::kFinished || channel.state == state) return {};
    channel.state = state;
    channel.caught_up = false;
    return derive();
  }

  /// The channel's data has ended. When the last one ends, the watermark is `EventTime::max()`.
  Update on_end(ChannelIndex index) {
    channels_[index.value()].state = State::kFinished;
    return derive();
  }

  /// The last watermark given out; none at first.
  EventTime current() const { return current_; }

 private:
  enum class State : std::uint8_t { kActive, kIdle, kFinished };
  struct Channel {
    State state = State::kActive;
    bool caught_up = true;
    EventTime time = EventTime::none();
  };

  Update derive() {
    EventTime low = EventTime::max();
    EventTime idle_high = EventTime::none();
    std::size_t counting = 0;
    std::size_t active = 0;
    std::size_t idle = 0;
    for (Channel& channel : channels_) {
      if (channel.state == State::kFinished) continue;
      if (channel.state == State::kIdle) {
        ++idle;
        idle_high = std::max(idle_high, channel.time);
        continue;
      }
      ++active;
      if (!channel.caught_up) channel.caught_up = channel.time >= current_;
      if (!channel.caught_up) continue;
      if (WEIR_MUTANT(B28) && channel.time.is_none()) continue;
      ++counting;
      low = std::min(low, channel.time);
    }
    Update update;
    if (counting > 0 || active + idle == 0) advance(low, update);
    if (active == 0 && idle > 0) advance(idle_high, update);
    const WatermarkStatus status =
        active == 0 && idle > 0 ? WatermarkStatus::kIdle : WatermarkStatus::kActive;
    if (status != status_) update.status = status_ = status;
    return update;
  }

  void advance(EventTime time, Update& update) {
    if (time <= current_) return;
    current_ = time;
    update.watermark = Watermark{time};
  }

  std::vector<Channel> channels_;
  EventTime current_ = EventTime::none();
  WatermarkStatus status_ = WatermarkStatus::kActive;
};

}  // namespace weir
