// SPDX-License-Identifier: Apache-2.0
// Waker: how mail, data and room tell the scheduler that a subtask has something to do.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

namespace weir {

/// Remembers that a subtask should be stepped, and tells whoever steps it.
///
/// Thread: any; the listener is called under a lock and must only notify.
/// Shared by the subtask, its channels and its mailbox; the last one frees it.
class Waker {
 public:
  /// Called by whatever changed something that the subtask may be waiting for.
  void wake() {
    if (signalled_.exchange(true)) return;
    const std::lock_guard lock(mutex_);
    if (listener_) listener_();
  }

  /// Sets who is told; an empty function for nobody. After the return the former one is not called.
  void listen(std::function<void()> listener) {
    const std::lock_guard lock(mutex_);
    listener_ = std::move(listener);
    if (listener_ && signalled_.load()) listener_();
  }

  bool is_signalled() const { return signalled_.load(); }
  /// Takes the signal. The stepper does so before a step, so that a wake during it counts.
  bool take() { return signalled_.exchange(false); }

 private:
  std::atomic<bool> signalled_{false};
  std::mutex mutex_;
  std::function<void()> listener_;  // guarded by mutex_
};

}  // namespace weir
