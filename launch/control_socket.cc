// SPDX-License-Identifier: Apache-2.0
// Paths of sockets end at 107 bytes, so the directory is opened and named by its descriptor.
#include "launch/control_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace weir {
namespace {

Status error_of(const std::string& what, int error) {
  return unavailable(fmt::format("{}: {}", what, std::strerror(error)));
}

// A short name for a socket in an open directory, for as long as that is open.
sockaddr_un address_in(const OwnedFd& directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", directory.get(), kControlSocket);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

OwnedFd open_directory(const std::string& directory) {
  return OwnedFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::int64_t millis_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// Waits until the socket can be read or written; false when the time is over.
bool wait_for(int fd, short what, std::int64_t deadline) {
  while (true) {
    const std::int64_t left = deadline - millis_now();
    if (left <= 0) return false;
    pollfd polled{fd, what, 0};
    const int count = ::poll(&polled, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

Result<OwnedFd> connect_to(const std::string& directory) {
  const OwnedFd folder = open_directory(directory);
  if (folder.get() < 0) {
    return not_found(fmt::format("there is no job in '{}': {}", directory, std::strerror(errno)));
  }
  OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return error_of("no socket", errno);
  const sockaddr_un address = address_in(folder);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return socket;
  }
  if (errno == ENOENT) {
    return failed_precondition(fmt::format("no job runs in '{}'", directory));
  }
  if (errno == ECONNREFUSED) {
    return failed_precondition(
        fmt::format("the job of '{}' is gone: its process has ended", directory));
  }
  if (errno == EACCES) {
    return permission_denied(fmt::format("the job of '{}' runs as another user", directory));
  }
  return error_of(fmt::format("the job of '{}' cannot be reached", directory), errno);
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<OwnedFd> listen_in(const std::string& directory) {
  const OwnedFd folder = open_directory(directory);
  if (folder.get() < 0) return error_of("cannot open '" + directory + "'", errno);
  OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The mode that the file gets; it is never open to others, not even at first.
  if (socket.get() < 0 || ::fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0) {
    return error_of("no socket", errno);
  }
  ::unlinkat(folder.get(), kControlSocket, 0);
  const sockaddr_un address = address_in(folder);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), 16) != 0) {
    return error_of(fmt::format("cannot listen at '{}/{}'", directory, kControlSocket), errno);
  }
  return socket;
}

Result<std::string> ask_job(const std::string& directory, const std::string& request,
                            Duration limit) {
  const std::int64_t deadline = millis_now() + limit.count();
  WEIR_ASSIGN_OR_RETURN(const OwnedFd socket, connect_to(directory));
  const std::string line = request + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count =
        ::send(socket.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return error_of("the job did not take the request", errno);
    sent += static_cast<std::size_t>(count);
  }
  std::string answer;
  while (!answer.ends_with('\n')) {
    if (!wait_for(socket.get(), POLLIN, deadline)) {
      return Status(StatusCode::kDeadlineExceeded,
                    fmt::format("no answer within {}; what was asked for may still happen",
                                to_string(limit)));
    }
    char buffer[4096];
    const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || answer.size() > kControlLineMax) {
      return unavailable("the job ended before it answered");
    }
    answer.append(buffer, static_cast<std::size_t>(count));
  }
  answer.pop_back();
  return answer;
}

}  // namespace weir
