// SPDX-License-Identifier: Apache-2.0
// ThreadExecutor and ThreadPoolExecutor: the executors that own real threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/executor.h"

namespace weir {

/// Runs closures in order on one thread that it owns.
///
/// The queue is not bounded here: what posts must be bounded by a protocol of its own (mails per
/// channel, pending checkpoints), because post() can neither block nor refuse.
///
/// stop() lets the closures posted before it run, drops all timers, and joins the thread. Posts
/// that come later are dropped.
class ThreadExecutor final : public Executor {
 public:
  /// `name` is what the operating system shows for the thread (cut to 15 characters).
  explicit ThreadExecutor(const std::string& name);
  /// Stops.
  ~ThreadExecutor() override;

  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(std::function<void()> closure) override;
  TimerHandle post_after(Duration delay, std::function<void()> closure) override;
  void cancel(TimerHandle timer) override;

  /// Requires: not called from a closure of this executor.
  void stop();

  /// Whether the caller runs inside a closure of this executor.
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  // Deadline first, then the order of post_after: std::map keeps both.
  using TimerKey = std::pair<std::int64_t, TimerHandle>;

  void run();
  // Takes what runs next, or an empty function. Requires: mutex_ is held.
  std::function<void()> take_next();

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<std::function<void()>> queue_;
  std::map<TimerKey, std::function<void()>> timers_;
  std::map<TimerHandle, std::int64_t> deadlines_;
  TimerHandle next_timer_ = 1;
  enum class State { kRunning, kStopping } state_ = State::kRunning;
  enum class Turn { kTimer, kQueue } turn_ = Turn::kTimer;
  // Constant after construction; joined by stop().
  std::thread thread_;
};

/// Runs blocking closures on `num_threads` threads that it owns.
///
/// The queue is not bounded here, see ThreadExecutor. The destructor runs what is queued, then
/// joins; run() after that began drops the closure.
class ThreadPoolExecutor final : public BlockingExecutor {
 public:
  /// Requires: num_threads > 0.
  ThreadPoolExecutor(const std::string& name, std::size_t num_threads);
  ~ThreadPoolExecutor() override;

  ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
  ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;

  void run(std::function<void()> closure) override;

  /// Runs what is queued and joins the threads.
  /// Requires: not called from a closure of this executor.
  void stop();

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<std::function<void()>> queue_;
  enum class State { kRunning, kStopping } state_ = State::kRunning;
  // Constant after construction; joined by stop().
  std::vector<std::thread> threads_;
};

}  // namespace weir
