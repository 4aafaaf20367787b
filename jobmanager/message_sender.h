// SPDX-License-Identifier: Apache-2.0
// MessageSender: sends to TaskManagers until the outcome is known or hopeless.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/executor.h"
#include "base/status.h"
#include "core/control_messages.h"
#include "core/control_transport.h"

namespace weir {

/// Whether a message with this answer may or may not have arrived.
bool is_unknown_outcome(const Status& status);

/// Sends messages again while their outcome is unknown, so receivers must tolerate repeats.
///
/// Thread: the executor's; answers come there and not after destruction.
class MessageSender {
 public:
  MessageSender(Executor& executor, ControlTransport& transport, LeaderEpoch epoch,
                RetryPolicy policy)
      : executor_(executor), transport_(transport), epoch_(epoch), policy_(policy) {}

  /// `is_wanted` is asked before each repetition; once false, nothing more happens (B9).
  /// `on_answer` gets the receiver's status, or the last unknown outcome after all repetitions.
  /// Both may be null.
  void send(TaskManagerId to, ControlMessage message, std::function<bool()> is_wanted,
            std::function<void(Status)> on_answer);
  /// Sends once; nobody waits for the outcome.
  void send_once(TaskManagerId to, ControlMessage message);

 private:
  struct Call {
    TaskManagerId to;
    ControlMessage message;
    std::function<bool()> is_wanted;
    std::function<void(Status)> on_answer;
    std::uint32_t sent = 0;
    Duration delay;
  };

  void send_now(const std::shared_ptr<Call>& call);
  void on_reply(const std::shared_ptr<Call>& call, const Status& status);

  Executor& executor_;
  ControlTransport& transport_;
  const LeaderEpoch epoch_;
  const RetryPolicy policy_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // closures hold it weakly
};

}  // namespace weir
