// SPDX-License-Identifier: Apache-2.0
// InputGate: all channels into one subtask, read in turn.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/stream_element.h"
#include "taskmanager/io/barrier_aligner.h"
#include "taskmanager/io/channel.h"

namespace weir {

/// One channel as the gate needs to know it.
struct GateChannel {
  InputIndex input;
  std::shared_ptr<InputChannel> channel;
  std::string producer;  ///< for errors: "transactions (subtask 3)"
};

/// Reads the channels of all inputs of a subtask round robin, one element each, and leaves out
/// those that alignment holds.
///
/// Thread: the subtask's.
class InputGate {
 public:
  struct Received {
    ChannelIndex channel;
    InputIndex input;
    StreamElement element;
  };

  explicit InputGate(std::vector<GateChannel> channels) : channels_(std::move(channels)) {}
  ~InputGate() { close(); }
  InputGate(const InputGate&) = delete;
  InputGate& operator=(const InputGate&) = delete;

  void set_waker(const std::shared_ptr<Waker>& waker);

  /// Takes the next element of a channel that `aligner` does not hold; none if there is none now.
  /// Errors: throws StatusError (unavailable, names the producer) if a channel closed early.
  std::optional<Received> next(const BarrierAligner& aligner);

  /// The final checkpoint has passed: producers may close from now on.
  void expect_close() { close_expected_ = true; }
  /// Closes the consumer's ends. May be called twice.
  void close();

  std::size_t size() const { return channels_.size(); }
  InputIndex input_of(ChannelIndex channel) const { return channels_[channel.value()].input; }

 private:
  std::optional<StreamElement> pop(GateChannel& from) const;

  std::vector<GateChannel> channels_;
  std::size_t next_ = 0;
  bool close_expected_ = false;
};

}  // namespace weir
