// SPDX-License-Identifier: Apache-2.0
// Turns SIGINT and SIGTERM into calls on a thread of its own.
#pragma once

#include <functional>
#include <thread>

namespace weir {

/// While it lives, SIGINT and SIGTERM are blocked in this and every later started thread and
/// arrive as calls of `on_signal(count)`, count being 1 for the first signal, 2 for the second.
/// SIGPIPE is ignored from then on: writing to a pipe without a reader fails and is reported.
///
/// Thread: made and destroyed by the thread that starts all others, before and after them.
class SignalWatcher {
 public:
  explicit SignalWatcher(std::function<void(int count)> on_signal);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  void watch();

  std::function<void(int)> on_signal_;
  int signal_fd_ = -1;
  int stop_fd_ = -1;
  std::thread thread_;
};

}  // namespace weir
