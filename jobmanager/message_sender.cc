// SPDX-License-Identifier: Apache-2.0
// Repetition with growing delays.
#include "jobmanager/message_sender.h"

#include <algorithm>
#include <utility>

namespace weir {

bool is_unknown_outcome(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded;
}

void MessageSender::send(TaskManagerId to, ControlMessage message, std::function<bool()> is_wanted,
                         std::function<void(Status)> on_answer) {
  send_now(std::make_shared<Call>(Call{to, std::move(message), std::move(is_wanted),
                                       std::move(on_answer), 0, policy_.first_delay}));
}

void MessageSender::send_once(TaskManagerId to, ControlMessage message) {
  transport_.send({to}, {ControlAddress::job_manager(), epoch_, std::move(message)}, nullptr);
}

void MessageSender::send_now(const std::shared_ptr<Call>& call) {
  ++call->sent;
  transport_.send({call->to}, {ControlAddress::job_manager(), epoch_, call->message},
                  [this, call, alive = std::weak_ptr<bool>(alive_)](const Status& status) {
                    if (!alive.expired()) on_reply(call, status);
                  });
}

void MessageSender::on_reply(const std::shared_ptr<Call>& call, const Status& status) {
  if (!is_unknown_outcome(status) || call->sent >= policy_.attempts) {
    if (call->on_answer) call->on_answer(status);
    return;
  }
  const Duration delay = call->delay;
  call->delay = std::min(call->delay * 2, policy_.delay_max);
  executor_.post_after(delay, [this, call, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired() || (call->is_wanted && !call->is_wanted())) return;
    send_now(call);
  });
}

}  // namespace weir
