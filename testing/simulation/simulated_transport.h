// SPDX-License-Identifier: Apache-2.0
// SimulatedTransport: a network for control messages that delays, loses, repeats and reorders.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/control_transport.h"
#include "testing/simulation/simulated_executor.h"
#include "testing/simulation/simulated_world.h"

namespace weir::simulation {

/// What the network does to messages. Probabilities are per message or reply.
struct NetworkFaults {
  Nanos delay_min = 50 * kMicrosecond;
  Nanos delay_max = kMillisecond;
  double loss = 0;
  double duplicate = 0;
  double reply_lost = 0;
  /// A further copy arrives up to `stale_delay_max` later.
  double stale_copy = 0;
  Nanos stale_delay_max = 60 * kSecond;
};

/// Carries the messages of all processes. A message on its way outlives its sender.
class SimulatedTransport final : public ControlTransport, public Actor {
 public:
  /// `process` is the network itself and never crashes.
  SimulatedTransport(SimulatedWorld& world, const SimulatedProcess& process)
      : Actor(world, process) {}

  void set_faults(const NetworkFaults& faults) { faults_ = faults; }

  /// Who receives at `address`, on which executor. All must live until `detach`.
  void attach(ControlAddress address, const SimulatedProcess& process, ControlHandler& handler,
              SimulatedExecutor& executor);
  void detach(ControlAddress address);

  /// Nothing passes from `from` to `to` until `heal`; the other direction is another call.
  void cut(ControlAddress from, ControlAddress to);
  void heal_all();

  void send(ControlAddress to, ControlEnvelope envelope,
            std::function<void(Status)> on_reply) override;

  Nanos due() const override;
  Nanos act() override;

 private:
  struct Endpoint {
    const SimulatedProcess* process = nullptr;
    ControlHandler* handler = nullptr;
    SimulatedExecutor* executor = nullptr;
  };
  // A message that is waiting for its one reply; shared by all that may give it.
  struct Call {
    ControlAddress sender;
    ProcessId process;  // of the sender: a reply must not reach its successor
    std::function<void(Status)> on_reply;
    bool answered = false;
  };
  using CallPtr = std::shared_ptr<Call>;

  const Endpoint* find(ControlAddress address) const;
  void later(Nanos due, std::function<void()> delivery);
  void deliver(ControlAddress to, const ControlEnvelope& envelope, const CallPtr& call);
  void answer(const CallPtr& call, const Status& status);
  Nanos delay();
  bool is_cut(ControlAddress from, ControlAddress to) const { return cuts_.contains({from, to}); }

  NetworkFaults faults_;
  std::map<ControlAddress, Endpoint> endpoints_;
  std::set<std::pair<ControlAddress, ControlAddress>> cuts_;
  // By due time, equal ones in the order of sending.
  std::multimap<Nanos, std::function<void()>> in_flight_;
};

}  // namespace weir::simulation
