// SPDX-License-Identifier: Apache-2.0
// LocalChannel: a channel between two subtasks of one process, a ring without locks.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "taskmanager/io/channel.h"

namespace weir {

/// Hands elements, batches by pointer, from one producer to one consumer.
///
/// Sleeping: who finds the ring empty (full) raises its waiting flag and looks once more; the other
/// side, after it has pushed (popped), reads the flag. Flags and positions are sequentially
/// consistent, so one of the two always sees the other and no wake-up is lost.
///
/// Thread: producer and consumer may be on different ones.
class LocalChannel final : public InputChannel, public OutputChannel {
 public:
  /// Elements the ring holds: a batch being filled, some under way, one being read.
  static constexpr std::size_t kCapacity = 8;

  void set_consumer_waker(std::shared_ptr<Waker> waker) override {
    consumer_waker_ = std::move(waker);
  }
  void set_producer_waker(std::shared_ptr<Waker> waker) override {
    producer_waker_ = std::move(waker);
  }

  bool try_push(StreamElement& element) override {
    if (consumer_closed_.load(std::memory_order_acquire)) {
      element = BatchPtr();
      return true;
    }
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kCapacity) {
      producer_waiting_.store(true);
      if (tail - head_.load() == kCapacity && !consumer_closed_.load()) return false;
      producer_waiting_.store(false);
      if (consumer_closed_.load()) return try_push(element);
    }
    ring_[tail % kCapacity] = std::move(element);
    tail_.store(tail + 1);
    wake(consumer_waiting_, consumer_waker_);
    return true;
  }

  std::optional<StreamElement> pop() override {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (tail_.load(std::memory_order_acquire) == head) {
      consumer_waiting_.store(true);
      if (tail_.load() == head) return std::nullopt;
      consumer_waiting_.store(false);
    }
    std::optional<StreamElement> element(std::move(ring_[head % kCapacity]));
    ring_[head % kCapacity] = BatchPtr();
    head_.store(head + 1);
    // Half empty rather than at the first gap, or the two sides would wake each other per element.
    if (tail_.load(std::memory_order_acquire) - head <= kCapacity / 2) {
      wake(producer_waiting_, producer_waker_);
    }
    return element;
  }

  ChannelClose producer_close() const override { return producer_close_.load(); }

  void close_producer(ChannelClose how) override {
    ChannelClose open = ChannelClose::kOpen;
    if (producer_close_.compare_exchange_strong(open, how)) {
      wake(consumer_waiting_, consumer_waker_);
    }
  }

  void close_consumer() override {
    if (consumer_closed_.exchange(true)) return;
    while (pop().has_value()) {
    }
    wake(producer_waiting_, producer_waker_);
  }

 private:
  // The waker is read only after its owner has raised the flag, so it needs no lock of its own.
  static void wake(std::atomic<bool>& waiting, const std::shared_ptr<Waker>& waker) {
    if (waiting.load() && waiting.exchange(false) && waker != nullptr) waker->wake();
  }

  static constexpr std::size_t kCacheLine = 64;

  std::array<StreamElement, kCapacity> ring_;
  std::shared_ptr<Waker> consumer_waker_;
  std::shared_ptr<Waker> producer_waker_;

  // Written by the consumer.
  alignas(kCacheLine) std::atomic<std::size_t> head_{0};
  std::atomic<bool> consumer_closed_{false};
  // Written by the producer.
  alignas(kCacheLine) std::atomic<std::size_t> tail_{0};
  std::atomic<ChannelClose> producer_close_{ChannelClose::kOpen};
  // Written by both, rarely.
  alignas(kCacheLine) std::atomic<bool> consumer_waiting_{false};
  std::atomic<bool> producer_waiting_{false};
};

}  // namespace weir
