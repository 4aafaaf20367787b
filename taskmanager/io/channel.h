// SPDX-License-Identifier: Apache-2.0
// The two ends of a channel from one subtask to another: in process now, over a network later.
#pragma once

#include <memory>
#include <optional>

#include "core/stream_element.h"
#include "taskmanager/io/waker.h"

namespace weir {

/// Whether and how the producer closed its end.
enum class ChannelClose {
  kOpen,
  kCancelled,  ///< the attempt is being cancelled: nothing follows, wait for the own cancellation
  kEarly,      ///< the producer is gone; a failure unless the final checkpoint has passed
};

/// The consumer's end. Elements come in the order they were sent.
///
/// Thread: the consumer's subtask.
class InputChannel {
 public:
  virtual ~InputChannel() = default;
  /// Sets who is woken when something arrives after an empty `pop`, or the producer closes.
  /// Called once, before the first `pop`.
  virtual void set_consumer_waker(std::shared_ptr<Waker> waker) = 0;
  /// Takes the oldest element; none if the channel is empty.
  virtual std::optional<StreamElement> pop() = 0;
  /// Read it after a `pop` that found nothing: if it is closed, and another `pop` finds nothing
  /// either, nothing will ever follow.
  virtual ChannelClose producer_close() const = 0;
  /// Drops what is in the channel and all that follows. May be called twice.
  virtual void close_consumer() = 0;
};

/// The producer's end.
///
/// Thread: the producer's subtask.
class OutputChannel {
 public:
  virtual ~OutputChannel() = default;
  /// Sets who is woken when there is room after a failed `try_push`. Called once, before the first.
  virtual void set_producer_waker(std::shared_ptr<Waker> waker) = 0;
  /// Moves from `element` and returns true, or leaves it and returns false if there is no room.
  /// What is pushed to a consumer that has closed its end is dropped.
  virtual bool try_push(StreamElement& element) = 0;
  /// Elements sent so far still arrive. The first call counts.
  virtual void close_producer(ChannelClose how) = 0;
};

}  // namespace weir
