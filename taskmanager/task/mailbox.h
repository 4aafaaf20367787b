// SPDX-License-Identifier: Apache-2.0
// Mailbox: the one way into a subtask for everything that is not data.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "taskmanager/io/waker.h"

namespace weir {

/// One thing to do on the subtask's thread: a control message, a timer, an asynchronous result.
using Mail = std::function<void()>;

/// Queues mail for one subtask.
///
/// Contract. Any thread posts; the subtask alone takes, on its own turn, and runs what it took in
/// the order of posting. It takes a *batch*: what was there when the turn began. Mail that posts
/// mail therefore waits for the next turn, and between two turns the subtask does some of its
/// default action, so mail cannot starve input.
///
/// Life: open, then closed. Closing drops what is queued; whatever is posted later is dropped too.
/// A dropped mail is destroyed without being run: what it owns must clean up by itself.
///
/// Bound: beyond `kCapacity` a mail is dropped and the mailbox remembers it; the subtask then fails
/// its attempt. Whoever posts is bounded by its own protocol, so this means a defect.
///
/// Thread: `post` and `has_mail` any; the rest the subtask's. Nothing is called under the lock.
/// Shared by the subtask and all who post to it; may outlive it.
class Mailbox {
 public:
  static constexpr std::size_t kCapacity = 65536;

  explicit Mailbox(std::shared_ptr<Waker> waker) : waker_(std::move(waker)) {}

  /// Returns false if the mail was dropped.
  bool post(Mail mail) {
    {
      const std::lock_guard lock(mutex_);
      if (is_closed_) return false;
      if (queue_.size() >= kCapacity) {
        has_overflowed_ = true;
        return false;
      }
      queue_.push_back(std::move(mail));
      has_mail_.store(true, std::memory_order_release);
    }
    waker_->wake();
    return true;
  }

  /// The one flag that the hot path reads.
  bool has_mail() const { return has_mail_.load(std::memory_order_acquire); }

  /// Takes all mail there is.
  std::vector<Mail> take_batch() {
    std::vector<Mail> batch;
    const std::lock_guard lock(mutex_);
    batch.swap(queue_);
    has_mail_.store(false, std::memory_order_release);
    return batch;
  }

  /// Tells, once, that mail was dropped for want of room.
  bool take_overflow() {
    const std::lock_guard lock(mutex_);
    return std::exchange(has_overflowed_, false);
  }

  void close() {
    std::vector<Mail> dropped;
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
      dropped.swap(queue_);
      has_mail_.store(false, std::memory_order_release);
    }
  }

 private:
  const std::shared_ptr<Waker> waker_;
  std::mutex mutex_;
  // Guarded by mutex_.
  bool is_closed_ = false;
  bool has_overflowed_ = false;
  std::vector<Mail> queue_;
  // Written under mutex_, read without.
  std::atomic<bool> has_mail_{false};
};

}  // namespace weir
