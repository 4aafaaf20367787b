// SPDX-License-Identifier: Apache-2.0
// The executors that own threads. An exception out of a closure ends the process (noexcept run).
#include "base/thread_executor.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace weir {

namespace {

std::int64_t steady_nanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void name_thread(std::thread& thread, const std::string& name) {
  constexpr std::size_t kMaxThreadName = 15;
  pthread_setname_np(thread.native_handle(), name.substr(0, kMaxThreadName).c_str());
}

// A closure that throws is a programmer error; std::terminate keeps the place of the throw.
void call(const std::function<void()>& closure) noexcept { closure(); }

}  // namespace

ThreadExecutor::ThreadExecutor(const std::string& name) : thread_([this] { run(); }) {
  name_thread(thread_, name);
}

ThreadExecutor::~ThreadExecutor() { stop(); }

void ThreadExecutor::post(std::function<void()> closure) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kRunning) {
      return;
    }
    queue_.push_back(std::move(closure));
  }
  wake_.notify_one();
}

TimerHandle ThreadExecutor::post_after(Duration delay, std::function<void()> closure) {
  constexpr std::int64_t kNanosPerMilli = 1'000'000;
  constexpr std::int64_t kDelayMillisMax = std::int64_t{1} << 42;  // 139 years
  const std::int64_t millis = std::clamp<std::int64_t>(delay.count(), 0, kDelayMillisMax);
  const std::int64_t deadline = steady_nanos() + millis * kNanosPerMilli;
  TimerHandle handle = 0;
  {
    const std::lock_guard lock(mutex_);
    handle = next_timer_++;
    if (state_ != State::kRunning) {
      return handle;
    }
    timers_.emplace(TimerKey{deadline, handle}, std::move(closure));
    deadlines_.emplace(handle, deadline);
  }
  wake_.notify_one();
  return handle;
}

void ThreadExecutor::cancel(TimerHandle timer) {
  std::function<void()> dropped;  // destroyed outside the lock: a closure may own anything
  const std::lock_guard lock(mutex_);
  const auto deadline = deadlines_.find(timer);
  if (deadline == deadlines_.end()) {
    return;
  }
  const auto found = timers_.find({deadline->second, timer});
  dropped = std::move(found->second);
  timers_.erase(found);
  deadlines_.erase(deadline);
}

void ThreadExecutor::stop() {
  std::map<TimerKey, std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    state_ = State::kStopping;
    dropped.swap(timers_);
    deadlines_.clear();
  }
  wake_.notify_one();
  if (thread_.joinable()) {
    WEIR_CHECK(!is_current());
    thread_.join();
  }
}

// A timer stays cancellable until the moment it runs, so it never enters the queue. Turns keep
// either side from starving the other.
std::function<void()> ThreadExecutor::take_next() {
  const bool has_due_timer = !timers_.empty() && timers_.begin()->first.first <= steady_nanos();
  std::function<void()> closure;
  if (has_due_timer && (turn_ == Turn::kTimer || queue_.empty())) {
    const auto first = timers_.begin();
    closure = std::move(first->second);
    deadlines_.erase(first->first.second);
    timers_.erase(first);
    turn_ = Turn::kQueue;
  } else if (!queue_.empty()) {
    closure = std::move(queue_.front());
    queue_.pop_front();
    turn_ = Turn::kTimer;
  }
  return closure;
}

void ThreadExecutor::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (std::function<void()> closure = take_next()) {
      lock.unlock();
      call(closure);
      closure = nullptr;
      lock.lock();
    } else if (state_ == State::kStopping) {
      return;
    } else if (timers_.empty()) {
      wake_.wait(lock);
    } else {
      const std::chrono::nanoseconds until(timers_.begin()->first.first);
      wake_.wait_until(lock, std::chrono::steady_clock::time_point(until));
    }
  }
}

ThreadPoolExecutor::ThreadPoolExecutor(const std::string& name, std::size_t num_threads) {
  WEIR_CHECK_GT(num_threads, 0U);
  threads_.reserve(num_threads);
  for (std::size_t i = 0; i < num_threads; ++i) {
    threads_.emplace_back([this] { work(); });
    name_thread(threads_.back(), name);
  }
}

ThreadPoolExecutor::~ThreadPoolExecutor() { stop(); }

void ThreadPoolExecutor::run(std::function<void()> closure) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kRunning) {
      return;
    }
    queue_.push_back(std::move(closure));
  }
  wake_.notify_one();
}

void ThreadPoolExecutor::stop() {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::kStopping;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) {
      thread.join();
    }
  }
}

void ThreadPoolExecutor::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return !queue_.empty() || state_ == State::kStopping; });
    if (queue_.empty()) {
      return;
    }
    std::function<void()> closure = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    call(closure);
    closure = nullptr;
    lock.lock();
  }
}

}  // namespace weir
