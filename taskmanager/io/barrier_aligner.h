// SPDX-License-Identifier: Apache-2.0
// BarrierAligner: when a subtask takes which checkpoint. Pure: facts in, named decision out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/ids.h"
#include "core/stream_element.h"

namespace weir {

/// Holds a channel whose barrier came until the barriers of all have come.
///
/// - Checkpoints are taken in strict order of their ids: a barrier that is not newer than the last
///   one taken or given up is dropped, and so is one older than the alignment under way (B2).
/// - A newer barrier, or an abort, gives up the alignment under way.
/// - A channel whose data has ended counts as aligned for every checkpoint, whether its end comes
///   first or last (B1). Barriers that still follow on it say nothing new; only when all channels
///   have ended does the first barrier from any of them start, and complete, a checkpoint.
///
/// Thread: one. A decision of the subtask's thread alone: aborts come to it as mail (B3).
class BarrierAligner {
 public:
  /// What follows from an event. Channels are released whenever either is set.
  struct Outcome {
    std::optional<CheckpointBarrier> aligned;  ///< take this checkpoint now
    std::optional<CheckpointId> given_up;      ///< its alignment had begun and will not complete
  };

  /// `newest` is the checkpoint restored from, zero for none: only later ones are taken.
  /// Requires: channels > 0 (a subtask without inputs counts its triggers as one channel).
  BarrierAligner(std::size_t channels, CheckpointId newest);

  /// Requires: the channel is not blocked.
  Outcome on_barrier(ChannelIndex channel, const CheckpointBarrier& barrier);
  /// Requires: the channel is not blocked and has not ended.
  Outcome on_end(ChannelIndex channel);
  /// `checkpoint` and all earlier ones will not complete.
  Outcome on_abort(CheckpointId checkpoint);

  /// True while the channel's barrier waits for those of others: do not read it.
  bool is_blocked(ChannelIndex channel) const { return channels_[channel.value()].arrived; }
  /// The checkpoint whose barriers are being waited for.
  std::optional<CheckpointId> aligning() const;
  bool all_ended() const { return num_ended_ == channels_.size(); }
  /// The newest checkpoint taken or given up.
  CheckpointId newest() const { return newest_; }
  /// Barriers that came late or were overtaken.
  std::uint64_t barriers_dropped() const { return barriers_dropped_; }

 private:
  struct Channel {
    bool arrived = false;
    bool ended = false;
  };
  bool is_aligned() const;
  void release();
  Outcome decide(Outcome outcome);

  std::vector<Channel> channels_;
  std::size_t num_ended_ = 0;
  std::optional<CheckpointBarrier> current_;
  CheckpointId newest_;
  std::uint64_t barriers_dropped_ = 0;
};

}  // namespace weir
