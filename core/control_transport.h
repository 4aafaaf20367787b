// SPDX-License-Identifier: Apache-2.0
// How control messages travel: in process, in the simulator, later over gRPC.
#pragma once

#include <functional>

#include "base/status.h"
#include "core/control_messages.h"

namespace weir {

/// Where a message goes or comes from: the JobManager, or one TaskManager.
struct ControlAddress {
  /// Zero is the JobManager.
  TaskManagerId task_manager;
  bool is_job_manager() const { return task_manager.value() == 0; }
  static ControlAddress job_manager() { return {}; }
  friend auto operator<=>(const ControlAddress&, const ControlAddress&) = default;
};

/// Every message carries who sent it and under which leader.
struct ControlEnvelope {
  ControlAddress from;
  LeaderEpoch epoch;
  ControlMessage message;
};

/// Takes messages. Thread: the receiver's own executor.
class ControlHandler {
 public:
  virtual ~ControlHandler() = default;
  /// Handles one message; the status goes back to the sender. A refusal is not retried.
  virtual Status handle(const ControlEnvelope& envelope) = 0;
};

/// Sends messages.
///
/// Thread: any. `on_reply` runs on the sender's executor.
class ControlTransport {
 public:
  virtual ~ControlTransport() = default;
  /// Sends once. `on_reply` gets the receiver's status, or kUnavailable or kDeadlineExceeded when
  /// it is not known whether the message arrived. `on_reply` may be null.
  virtual void send(ControlAddress to, ControlEnvelope envelope,
                    std::function<void(Status)> on_reply) = 0;
};

/// How often a message without a known outcome is sent again before the peer counts as lost.
struct RetryPolicy {
  std::uint32_t attempts = 8;
  Duration first_delay = std::chrono::milliseconds{100};
  Duration delay_max = std::chrono::seconds{2};
};

}  // namespace weir
