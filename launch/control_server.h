// SPDX-License-Identifier: Apache-2.0
// Takes requests at a job's control socket, one line each, and sends the answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/status.h"

namespace weir {

/// Sends one answer, a line without its end. From any thread, once; when nobody listens any more it
/// does nothing.
using ControlReply = std::function<void(std::string answer)>;
/// Answers a request, at once or later. Called by the server's thread; must not block for long.
using ControlService = std::function<void(const std::string& request, ControlReply reply)>;

/// Serves the socket in a directory as long as it lives, with one thread. What was answered before
/// its end is still sent.
///
/// A connection is for one request. Those that send none within ten seconds, or too long a one, are
/// closed.
class ControlServer {
 public:
  /// Errors: unavailable, where the file system has no sockets, for example.
  static Result<std::unique_ptr<ControlServer>> start(const std::string& directory,
                                                      ControlService service);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Shared;
  class Loop;
  ControlServer(std::string directory, std::shared_ptr<Shared> shared, std::thread thread);

  const std::string directory_;
  const std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace weir
