// SPDX-License-Identifier: Apache-2.0
// Delivery by posting to the receiver's executor, replies by posting back.
#include "launch/in_process_transport.h"

#include <memory>
#include <utility>

namespace weir {

void InProcessTransport::attach(ControlAddress address, ControlHandler& handler,
                                Executor& executor) {
  const std::lock_guard lock(mutex_);
  endpoints_[address] = {&handler, &executor};
}

void InProcessTransport::detach(ControlAddress address) {
  const std::lock_guard lock(mutex_);
  endpoints_.erase(address);
}

InProcessTransport::Endpoint InProcessTransport::find(ControlAddress address) {
  const std::lock_guard lock(mutex_);
  const auto found = endpoints_.find(address);
  return found == endpoints_.end() ? Endpoint{} : found->second;
}

void InProcessTransport::send(ControlAddress to, ControlEnvelope envelope,
                              std::function<void(Status)> on_reply) {
  const Endpoint receiver = find(to);
  Executor* const sender = find(envelope.from).executor;
  auto reply = [sender, on_reply = std::move(on_reply)](Status status) {
    if (!on_reply || sender == nullptr) return;
    sender->post([on_reply, status = std::move(status)] { on_reply(status); });
  };
  if (receiver.handler == nullptr) {
    reply(unavailable("control message: nobody listens at this address"));
    return;
  }
  receiver.executor->post([this, to, envelope = std::move(envelope), reply = std::move(reply)] {
    // The receiver may have left between posting and delivery.
    const Endpoint endpoint = find(to);
    reply(endpoint.handler != nullptr ? endpoint.handler->handle(envelope)
                                      : unavailable("control message: the receiver has left"));
  });
}

}  // namespace weir
