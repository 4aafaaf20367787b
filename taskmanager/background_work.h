// SPDX-License-Identifier: Apache-2.0
// BackgroundWork: blocking work of the subtasks of one TaskManager, counted.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/executor.h"

namespace weir {

/// Runs closures that may block, and knows when all of them have returned.
///
/// Thread: any. Shared by a TaskManager and the closures under way: what a dropped mail still has
/// to clean up may come after the subtask is gone.
class BackgroundWork : public std::enable_shared_from_this<BackgroundWork> {
 public:
  /// `executor` must outlive the work.
  explicit BackgroundWork(BlockingExecutor& executor) : executor_(executor) {}

  /// Runs `work`, which must not throw. What it captures is destroyed before it counts as returned.
  void run(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      if (is_abandoned_) return;
    }
    auto token = std::make_shared<Token>(shared_from_this());
    token->work = std::move(work);
    executor_.run([token = std::move(token)] { token->run(); });
  }

  /// Calls `done` as soon as nothing is under way: now, or on the thread that returns last.
  /// Requires: called once.
  void when_idle(std::function<void()> done) {
    {
      const std::lock_guard lock(mutex_);
      WEIR_CHECK(!when_idle_);
      if (running_ > 0) {
        when_idle_ = std::move(done);
        return;
      }
    }
    done();
  }

  /// The process is taken to have died: nothing more is begun.
  void abandon() {
    const std::lock_guard lock(mutex_);
    is_abandoned_ = true;
  }

  std::size_t running() const {
    const std::lock_guard lock(mutex_);
    return running_;
  }

 private:
  // Counts one closure from `run` until it has returned or was dropped.
  struct Token {
    explicit Token(std::shared_ptr<BackgroundWork> counted) : owner(std::move(counted)) {
      const std::lock_guard lock(owner->mutex_);
      ++owner->running_;
    }
    ~Token() {
      work = nullptr;
      owner->returned();
    }
    void run() {
      if (!owner->is_abandoned()) work();
      work = nullptr;
    }
    std::shared_ptr<BackgroundWork> owner;
    std::function<void()> work;
  };

  bool is_abandoned() const {
    const std::lock_guard lock(mutex_);
    return is_abandoned_;
  }

  void returned() {
    std::function<void()> done;
    {
      const std::lock_guard lock(mutex_);
      if (--running_ == 0) done = std::exchange(when_idle_, nullptr);
    }
    if (done) done();
  }

  BlockingExecutor& executor_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::size_t running_ = 0;
  bool is_abandoned_ = false;
  std::function<void()> when_idle_;
};

}  // namespace weir
