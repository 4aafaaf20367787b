// SPDX-License-Identifier: Apache-2.0
// ResultPartition: the output of one subtask on one edge, one channel per consumer, each with a
// queue in front that takes what the channel has no room for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/router.h"
#include "taskmanager/io/channel.h"
#include "taskmanager/io/memory_budget.h"

namespace weir {

/// Sends batches on single channels and everything else on all of them. Each channel gets its
/// elements in the order they were sent: no record passes a watermark, barrier or end.
///
/// Sending always succeeds; what finds no room waits in the channel's queue, charged to the memory
/// budget. The subtask feeds its operators only while `has_room`, so a queue holds at most what one
/// bounded piece of work emits, and the watermarks and barriers behind it.
///
/// Errors: `send` and `broadcast` throw StatusError (resource exhausted, names the operator) when
///         the budget is used up. Spilling to local disk will take the place of that error.
/// Thread: the subtask's.
class ResultPartition final : public ChannelSender {
 public:
  /// `name` is the producing operator, for errors.
  ResultPartition(std::vector<std::shared_ptr<OutputChannel>> channels, MemoryBudget& memory,
                  std::string name);
  /// Closes the channels as early if they are still open.
  ~ResultPartition() override;

  void set_waker(const std::shared_ptr<Waker>& waker);

  std::uint32_t channel_count() const override {
    return static_cast<std::uint32_t>(channels_.size());
  }
  void send(ChannelIndex channel, BatchPtr batch) override;
  /// Sends a watermark, status, barrier or end on every channel.
  void broadcast(const StreamElement& element);

  bool has_room() const { return queued_channels_ == 0; }
  /// Moves what waits into the channels as far as there is room.
  void drain();
  /// Drops what waits and closes every channel. The first call counts.
  void close(ChannelClose how);

  std::size_t queued_elements() const;

 private:
  struct Queued {
    StreamElement element;
    std::size_t bytes;
  };
  struct Channel {
    std::shared_ptr<OutputChannel> channel;
    std::deque<Queued> queue;
  };
  void push(Channel& to, StreamElement element);

  std::vector<Channel> channels_;
  MemoryBudget& memory_;
  const std::string name_;
  std::size_t queued_channels_ = 0;
};

}  // namespace weir
