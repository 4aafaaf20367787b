// SPDX-License-Identifier: Apache-2.0
// The Unix socket in a job's directory: how it is bound and found, whatever the path's length.
#pragma once

#include <string>

#include "base/status.h"
#include "base/time.h"

namespace weir {

/// The name of the socket in a job's directory.
inline constexpr const char* kControlSocket = "control.sock";
/// Requests and answers are one line of JSON, not longer than this.
inline constexpr std::size_t kControlLineMax = std::size_t{256} * 1024;

/// A file descriptor that is closed with its owner.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

/// Binds and listens at `<directory>/control.sock`, for this user alone. A socket that is there is
/// replaced: who calls this holds the lock of the directory.
Result<OwnedFd> listen_in(const std::string& directory);

/// Sends `request` to the job of `directory` and waits for its answer.
///
/// Errors: not found if there is no such directory; failed precondition if no job runs there;
///         unavailable if it ended before it answered; deadline exceeded.
Result<std::string> ask_job(const std::string& directory, const std::string& request,
                            Duration limit);

}  // namespace weir
