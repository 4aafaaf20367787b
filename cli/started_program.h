// SPDX-License-Identifier: Apache-2.0
// StartedProgram: a program that goes on after `weir` has ended, and how a running one was started.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "launch/control_socket.h"

namespace weir::cli {

/// How a program is started.
struct ProgramStart {
  std::string executable;              ///< found like a shell finds it
  std::vector<std::string> arguments;  ///< without the program's own name
  std::string name = {};               ///< what it is told to be called; the executable if empty
  std::string directory = {};          ///< its working directory; ours if empty
  std::optional<std::vector<std::string>> environment = {};  ///< NAME=value; ours if none
};

/// How a process of this user was started, kept so that it can be started again: also when another
/// file takes the place of its executable meanwhile, or none.
struct ProcessStart {
  ProgramStart start;
  OwnedFd executable;  ///< `start.executable` leads to it while this is open
  std::string path;    ///< of its executable, for messages
};

/// Errors: not found, or what the system says.
Result<ProcessStart> start_of_process(pid_t process);

/// A child in a session of its own, whose output goes to a file. Destroying this does not end it.
///
/// Thread: one at a time.
class StartedProgram {
 public:
  /// What it prints is appended to `output`. Errors: not found; what the system says.
  static Result<StartedProgram> start(const ProgramStart& start, const std::string& output);

  pid_t process() const { return process_; }
  /// "status 1" or "signal 9" once it has ended, else none.
  std::optional<std::string> ended();
  /// Whether it ended by itself with status 0.
  bool is_success() const { return ended_ && *ended_ == 0; }
  /// Stops all its threads where they are. Ok also if it has ended.
  void pause();
  void go_on();
  void kill();

 private:
  explicit StartedProgram(pid_t process) : process_(process) {}
  void wait(int options);

  pid_t process_;
  std::optional<int> ended_;  // its wait status
};

}  // namespace weir::cli
