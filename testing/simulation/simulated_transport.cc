// SPDX-License-Identifier: Apache-2.0
// Delivery of control messages with delay, loss, repetition and cut links.
#include "testing/simulation/simulated_transport.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <variant>

namespace weir::simulation {
namespace {

// After how long a sender gives up waiting for a reply.
constexpr Nanos kReplyTimeoutMin = 100 * kMillisecond;
constexpr Nanos kReplyTimeoutMax = 2 * kSecond;

std::string_view name_of(const ControlMessage& message) {
  static constexpr std::string_view kNames[] = {
      "DeployAttempt", "CancelAttempt", "TriggerCheckpoint", "NotifyComplete",      "NotifyAborted",
      "CloseAttempt",  "DrainSources",  "SourceHint",        "RegisterTaskManager", "Heartbeat",
      "Acknowledge",   "Decline",       "CommitReport"};
  static_assert(std::size(kNames) == std::variant_size_v<ControlMessage>);
  return kNames[message.index()];
}

std::string route_text(ControlAddress from, ControlAddress to, const ControlMessage& message) {
  const auto text = [](ControlAddress address) {
    return address.is_job_manager() ? std::string("jobmanager")
                                    : fmt::format("taskmanager-{}", address.task_manager.value());
  };
  return fmt::format("{} {} -> {}", name_of(message), text(from), text(to));
}

}  // namespace

void SimulatedTransport::attach(ControlAddress address, const SimulatedProcess& process,
                                ControlHandler& handler, SimulatedExecutor& executor) {
  endpoints_[address] = {&process, &handler, &executor};
}

void SimulatedTransport::detach(ControlAddress address) { endpoints_.erase(address); }

void SimulatedTransport::cut(ControlAddress from, ControlAddress to) { cuts_.insert({from, to}); }

void SimulatedTransport::heal_all() { cuts_.clear(); }

const SimulatedTransport::Endpoint* SimulatedTransport::find(ControlAddress address) const {
  const auto found = endpoints_.find(address);
  if (found == endpoints_.end() || !found->second.process->is_running()) return nullptr;
  return &found->second;
}

Nanos SimulatedTransport::delay() {
  return world_.random_skewed_nanos(faults_.delay_min, faults_.delay_max);
}

void SimulatedTransport::later(Nanos due, std::function<void()> delivery) {
  in_flight_.emplace(due, std::move(delivery));
}

void SimulatedTransport::send(ControlAddress to, ControlEnvelope envelope,
                              std::function<void(Status)> on_reply) {
  const Endpoint* const source = find(envelope.from);
  if (source == nullptr) return;  // a crashed process sends nothing
  Rng& rng = world_.rng();
  const Nanos now = world_.now();
  const bool lost = is_cut(envelope.from, to) || rng.chance(faults_.loss);
  world_.trace().note(
      now, lost ? "send (lost)" : "send",
      {envelope.from.task_manager.value(), to.task_manager.value(), envelope.message.index()},
      [&] { return route_text(envelope.from, to, envelope.message); });
  CallPtr call;
  if (on_reply) {
    call = std::make_shared<Call>(
        Call{envelope.from, source->process->id(), std::move(on_reply), false});
    later(now + world_.random_nanos(kReplyTimeoutMin, kReplyTimeoutMax), [this, call] {
      answer(call, Status(StatusCode::kDeadlineExceeded, "control message: no answer in time",
                          ErrorDomain::kExternal));
    });
  }
  if (lost) return;
  if (rng.chance(faults_.duplicate)) {
    later(now + delay(), [this, to, envelope] { deliver(to, envelope, nullptr); });
  }
  if (rng.chance(faults_.stale_copy)) {
    later(now + world_.random_skewed_nanos(kMillisecond, faults_.stale_delay_max),
          [this, to, envelope] { deliver(to, envelope, nullptr); });
  }
  later(now + delay(),
        [this, to, envelope = std::move(envelope), call] { deliver(to, envelope, call); });
}

void SimulatedTransport::deliver(ControlAddress to, const ControlEnvelope& envelope,
                                 const CallPtr& call) {
  const Endpoint* const receiver = find(to);
  if (receiver == nullptr) {
    if (call) answer(call, unavailable("control message: nobody listens at this address"));
    return;
  }
  receiver->executor->post([this, to, envelope, call] {
    const Endpoint* const endpoint = find(to);
    if (endpoint == nullptr) return;
    world_.trace().note(
        world_.now(), "deliver",
        {envelope.from.task_manager.value(), to.task_manager.value(), envelope.message.index()},
        [&] { return route_text(envelope.from, to, envelope.message); });
    Status status = endpoint->handler->handle(envelope);
    if (!call || is_cut(to, call->sender) || world_.rng().chance(faults_.reply_lost)) return;
    later(world_.now() + delay(),
          [this, call, status = std::move(status)] { answer(call, status); });
  });
}

void SimulatedTransport::answer(const CallPtr& call, const Status& status) {
  const Endpoint* const endpoint = find(call->sender);
  if (call->answered || endpoint == nullptr || endpoint->process->id() != call->process) return;
  call->answered = true;
  world_.trace().note(
      world_.now(), "reply",
      {call->sender.task_manager.value(), static_cast<std::uint64_t>(status.code())},
      [&status] { return status.to_string(); });
  endpoint->executor->post([call, status] { call->on_reply(status); });
}

Nanos SimulatedTransport::due() const {
  return in_flight_.empty() ? kNever : in_flight_.begin()->first;
}

Nanos SimulatedTransport::act() {
  const auto first = in_flight_.begin();
  const std::function<void()> delivery = std::move(first->second);
  in_flight_.erase(first);
  delivery();
  return 0;
}

}  // namespace weir::simulation
