// SPDX-License-Identifier: Apache-2.0
// Routers that spread whole batches: forward, rebalance, broadcast.
#pragma once

#include <cstdint>

#include "core/program.h"
#include "core/router.h"

namespace weir::detail {

/// Sends to the one channel there is.
class ForwardRouter final : public Router {
 public:
  void consume(BatchPtr batch) override { sender_->send(ChannelIndex{0}, std::move(batch)); }
  void flush() override {}
};

/// Sends batch after batch to channel after channel, each producer beginning at another one.
class RebalanceRouter final : public Router {
 public:
  explicit RebalanceRouter(const RouterSetup& setup)
      : channels_(setup.consumer_parallelism.value()), next_(setup.producer.value() % channels_) {}
  void consume(BatchPtr batch) override {
    sender_->send(ChannelIndex{next_}, std::move(batch));
    next_ = next_ + 1 == channels_ ? 0 : next_ + 1;
  }
  void flush() override {}

 private:
  std::uint32_t channels_;
  std::uint32_t next_;
};

/// Sends every batch to every channel; the consumers share it.
class BroadcastRouter final : public Router {
 public:
  explicit BroadcastRouter(const RouterSetup& setup)
      : channels_(setup.consumer_parallelism.value()) {}
  void consume(BatchPtr batch) override {
    for (std::uint32_t channel = 0; channel < channels_; ++channel) {
      sender_->send(ChannelIndex{channel}, batch);
    }
  }
  void flush() override {}

 private:
  std::uint32_t channels_;
};

}  // namespace weir::detail
