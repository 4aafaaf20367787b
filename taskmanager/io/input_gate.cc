// SPDX-License-Identifier: Apache-2.0
// Reading channels in turn.
#include "taskmanager/io/input_gate.h"

#include <utility>

#include "base/status.h"

namespace weir {

void InputGate::set_waker(const std::shared_ptr<Waker>& waker) {
  for (GateChannel& from : channels_) from.channel->set_consumer_waker(waker);
}

std::optional<InputGate::Received> InputGate::next(const BarrierAligner& aligner) {
  for (std::size_t tried = 0; tried < channels_.size(); ++tried) {
    const ChannelIndex index{static_cast<std::uint32_t>(next_)};
    next_ = next_ + 1 == channels_.size() ? 0 : next_ + 1;
    if (aligner.is_blocked(index)) continue;
    GateChannel& from = channels_[index.value()];
    if (auto element = pop(from)) return Received{index, from.input, std::move(*element)};
  }
  return std::nullopt;
}

std::optional<StreamElement> InputGate::pop(GateChannel& from) const {
  auto element = from.channel->pop();
  if (element.has_value()) return element;
  const ChannelClose how = from.channel->producer_close();
  if (how != ChannelClose::kEarly || close_expected_) return std::nullopt;
  // Something may have been sent between the pop and the close.
  element = from.channel->pop();
  if (!element.has_value()) {
    throw StatusError(unavailable("channel closed before its job ended: from " + from.producer));
  }
  return element;
}

void InputGate::close() {
  for (GateChannel& from : channels_) from.channel->close_consumer();
}

}  // namespace weir
