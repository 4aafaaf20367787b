// SPDX-License-Identifier: Apache-2.0
// Control messages between a JobManager and TaskManagers that live in one process.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "base/executor.h"
#include "core/control_transport.h"

namespace weir {

/// Delivers every message exactly once, by posting it to the receiver's executor.
///
/// Thread: any. The lock guards the address table alone and is never held during a call out.
class InProcessTransport final : public ControlTransport {
 public:
  /// Sets who receives at `address`, on which executor. Both must outlive the transport's use.
  void attach(ControlAddress address, ControlHandler& handler, Executor& executor);
  /// Messages to `address` fail as unavailable from now on.
  void detach(ControlAddress address);

  void send(ControlAddress to, ControlEnvelope envelope,
            std::function<void(Status)> on_reply) override;

 private:
  struct Endpoint {
    ControlHandler* handler = nullptr;
    Executor* executor = nullptr;
  };
  Endpoint find(ControlAddress address);

  std::mutex mutex_;
  std::map<ControlAddress, Endpoint> endpoints_;
};

}  // namespace weir
