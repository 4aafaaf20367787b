// SPDX-License-Identifier: Apache-2.0
// Spreads a subtask's output over the channels of one edge.
#pragma once

#include <cstdint>
#include <memory>

#include "core/batch.h"
#include "core/ids.h"

namespace weir {

/// How the records of an edge are spread over the consumer's subtasks.
enum class Partitioning {
  kForward,    ///< subtask i to subtask i; same parallelism
  kHash,       ///< by key group of the key
  kRebalance,  ///< round robin
  kBroadcast,  ///< every record to every subtask
  kAddressed,  ///< the record names the subtask (split assignments)
};

/// The channels of one edge out of one subtask: one per consumer subtask, by its index; of a
/// forward edge a single one, index 0.
class ChannelSender {
 public:
  virtual ~ChannelSender() = default;
  virtual std::uint32_t channel_count() const = 0;
  /// Sends a batch on one channel. Always succeeds; queues where there is no room.
  virtual void send(ChannelIndex channel, BatchPtr batch) = 0;
};

/// Takes a subtask's batches and spreads their rows over channels, typed behind this interface.
///
/// Thread: the subtask's.
class Router : public BatchConsumer {
 public:
  /// Sets where to send. Called once, before the first batch.
  void connect(ChannelSender& sender) { sender_ = &sender; }
  /// Sends what is collected for channels but not sent yet.
  virtual void flush() = 0;

 protected:
  ChannelSender* sender_ = nullptr;
};

}  // namespace weir
