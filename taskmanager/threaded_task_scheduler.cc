// SPDX-License-Identifier: Apache-2.0
// The loop of a slot's thread.
#include "taskmanager/threaded_task_scheduler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

// Units of work between two looks at the clock: some microseconds for light records.
constexpr std::size_t kUnitsPerStep = 4096;
// How long one task goes on before the next has its turn.
constexpr std::int64_t kTurnNanos = 1'000'000;
// How long a slot without work looks on before it sleeps.
constexpr std::int64_t kSpinNanos = 2'000;

}  // namespace

/// The tasks of one slot and the thread that steps them.
class ThreadedTaskScheduler::Slot {
 public:
  explicit Slot(const Clock& clock) : clock_(clock), thread_([this] { run(); }) {}
  ~Slot() { stop(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  void add(std::shared_ptr<SteppedTask> task) {
    task->waker().listen([this] { notify(); });
    {
      const std::lock_guard lock(mutex_);
      if (!is_stopping_) added_.push_back(std::move(task));
    }
    if (task != nullptr) task->waker().listen({});
    notify();
  }

  void remove(const SteppedTask& task) {
    const std::lock_guard one_at_a_time(remove_mutex_);
    std::unique_lock lock(mutex_);
    removing_ = &task;
    notify_locked();
    removed_.wait(lock, [this] { return removing_ == nullptr || is_over_; });
    removing_ = nullptr;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
      notify_locked();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct Entry {
    std::shared_ptr<SteppedTask> task;  // shared with whoever added it; dropped when finished
    StepResult result = StepResult::kProgress;
    std::int64_t blocked_since = 0;
  };

  void notify() {
    if (signalled_.exchange(true)) return;
    if (!is_sleeping_.load()) return;
    const std::lock_guard lock(mutex_);
    wake_.notify_one();
  }
  void notify_locked() {
    signalled_.store(true);
    wake_.notify_one();
  }

  void run() {
    while (take_changes()) {
      bool progress = false;
      std::int64_t wake_at = kNeverNanos;
      for (Entry& entry : entries_) {
        std::int64_t now = clock_.monotonic_nanos();
        if (entry.result != StepResult::kProgress && !entry.task->waker().is_signalled() &&
            now < entry.task->wake_at_nanos()) {
          wake_at = std::min(wake_at, entry.task->wake_at_nanos());
          continue;
        }
        progress = true;
        take_turn(entry, now);
      }
      std::erase_if(entries_, [](const Entry& entry) {
        const bool is_over = entry.result == StepResult::kFinished;
        if (is_over) entry.task->waker().listen({});
        return is_over;
      });
      if (!progress) wait_until(wake_at);
    }
    for (Entry& entry : entries_) entry.task->waker().listen({});
    entries_.clear();
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    removed_.notify_all();
  }

  // Steps one task until it is blocked or its turn is over.
  void take_turn(Entry& entry, std::int64_t now) {
    SteppedTask& task = *entry.task;
    count_wait(entry, now);
    const std::int64_t start = now;
    do {
      // Taken before the step: a wake during it is for the next one.
      task.waker().take();
      Budget budget(kUnitsPerStep);
      entry.result = task.step(budget);
      now = clock_.monotonic_nanos();
    } while (entry.result == StepResult::kProgress && now - start < kTurnNanos);
    task.times().busy.add(static_cast<std::uint64_t>(now - start));
    entry.blocked_since = now;
  }

  static void count_wait(const Entry& entry, std::int64_t now) {
    const auto waited = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, entry.blocked_since == 0 ? 0 : now - entry.blocked_since));
    switch (entry.result) {
      case StepResult::kBlockedOnInput:
      case StepResult::kBlockedOnState: entry.task->times().idle.add(waited); break;
      case StepResult::kBlockedOnOutput: entry.task->times().back_pressured.add(waited); break;
      // It waited for its neighbours' turns, which is neither.
      case StepResult::kProgress:
      case StepResult::kFinished: break;
    }
  }

  // Takes over what was added and removed. False when the slot is to stop.
  bool take_changes() {
    std::unique_lock lock(mutex_);
    for (auto& task : added_) entries_.push_back({std::move(task)});
    added_.clear();
    if (removing_ != nullptr) {
      const SteppedTask* const removing = removing_;
      lock.unlock();
      std::erase_if(entries_, [removing](const Entry& entry) {
        const bool is_removed = entry.task.get() == removing;
        if (is_removed) entry.task->waker().listen({});
        return is_removed;
      });
      lock.lock();
      removing_ = nullptr;
      removed_.notify_all();
    }
    return !is_stopping_;
  }

  void wait_until(std::int64_t wake_at) {
    const std::int64_t start = clock_.monotonic_nanos();
    while (clock_.monotonic_nanos() - start < kSpinNanos) {
      if (signalled_.exchange(false)) return;
    }
    std::unique_lock lock(mutex_);
    is_sleeping_.store(true);
    const auto is_signalled = [this] { return signalled_.load(); };
    if (wake_at == kNeverNanos) {
      wake_.wait(lock, is_signalled);
    } else if (const std::int64_t wait = wake_at - clock_.monotonic_nanos(); wait > 0) {
      wake_.wait_for(lock, std::chrono::nanoseconds(wait), is_signalled);
    }
    is_sleeping_.store(false);
    signalled_.store(false);
  }

  const Clock& clock_;
  // Set by whoever wakes, taken by the slot's thread. With is_sleeping_ sequentially consistent:
  // either the thread sees the signal before it sleeps or the other side sees that it sleeps.
  std::atomic<bool> signalled_{false};
  std::atomic<bool> is_sleeping_{false};

  // Before mutex_; a waker's lock is taken before mutex_ too, and so never while it is held.
  std::mutex remove_mutex_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable removed_;
  // Guarded by mutex_.
  std::vector<std::shared_ptr<SteppedTask>> added_;
  const SteppedTask* removing_ = nullptr;
  bool is_stopping_ = false;
  bool is_over_ = false;

  // The slot's thread only.
  std::vector<Entry> entries_;
  // Last, so that all it uses is there before it starts.
  // tidy: allow ambient-effects - this is the adapter that owns the threads
  std::thread thread_;
};

ThreadedTaskScheduler::ThreadedTaskScheduler(const Clock& clock, std::uint32_t slots) {
  WEIR_CHECK_GT(slots, 0U);
  for (std::uint32_t i = 0; i < slots; ++i) slots_.push_back(std::make_unique<Slot>(clock));
}

ThreadedTaskScheduler::~ThreadedTaskScheduler() { stop(); }

void ThreadedTaskScheduler::add(std::uint32_t slot, std::shared_ptr<SteppedTask> task) {
  WEIR_CHECK_LT(slot, slots_.size());
  slots_[slot]->add(std::move(task));
}

void ThreadedTaskScheduler::remove(const SteppedTask& task) {
  for (const auto& slot : slots_) slot->remove(task);
}

void ThreadedTaskScheduler::stop() {
  for (const auto& slot : slots_) slot->stop();
}

}  // namespace weir
