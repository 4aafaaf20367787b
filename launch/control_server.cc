// SPDX-License-Identifier: Apache-2.0
// One thread polls the listener, its connections, and an eventfd for answers and the end.
#include "launch/control_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "launch/control_socket.h"

namespace weir {
namespace {

constexpr std::size_t kConnectionsMax = 32;
constexpr std::chrono::seconds kRequestLimit{10};
constexpr std::chrono::milliseconds kAnswerLimit{500};
using SteadyClock = std::chrono::steady_clock;

}  // namespace

// What replies from other threads touch.
struct ControlServer::Shared {
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, std::string>> answers;  // guarded by mutex
  bool is_over = false;                                        // guarded by mutex
  OwnedFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};

  void notify() {
    const std::uint64_t one = 1;
    (void)!::write(wake.get(), &one, sizeof one);
  }
};

class ControlServer::Loop {
 public:
  Loop(OwnedFd listener, std::shared_ptr<Shared> shared, ControlService service)
      : listener_(std::move(listener)), shared_(std::move(shared)), service_(std::move(service)) {}

  void run() {
    while (true) {
      std::vector<pollfd> polled{{shared_->wake.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      std::vector<std::uint64_t> ids;
      for (const auto& [id, each] : connections_) {
        // One that waits for its answer is looked at only for its end.
        const short what = each.is_asked ? 0 : POLLIN;
        polled.push_back({each.socket.get(), what, 0});
        ids.push_back(id);
      }
      ::poll(polled.data(), polled.size(), 1000);
      if (polled[0].revents != 0 && !take_answers()) return;
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if (polled[i + 2].revents != 0) serve(ids[i]);
      }
      if (polled[1].revents != 0) accept();
      drop_idle();
    }
  }

 private:
  struct Connection {
    OwnedFd socket;
    std::string request = {};
    bool is_asked = false;
    SteadyClock::time_point since = SteadyClock::now();
  };

  // False at the end.
  bool take_answers() {
    std::uint64_t count = 0;
    (void)!::read(shared_->wake.get(), &count, sizeof count);
    std::vector<std::pair<std::uint64_t, std::string>> answers;
    bool is_over = false;
    {
      const std::lock_guard lock(shared_->mutex);
      answers.swap(shared_->answers);
      is_over = shared_->is_over;
    }
    for (const auto& [id, answer] : answers) {
      const auto connection = connections_.find(id);
      if (connection == connections_.end()) continue;
      send_line(connection->second.socket.get(), answer);
      connections_.erase(connection);
    }
    return !is_over;
  }

  void accept() {
    OwnedFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() < 0) return;
    if (connections_.size() >= kConnectionsMax) {
      return send_line(socket.get(), R"({"error":"too many requests wait for their answer"})");
    }
    connections_[next_id_++] = Connection{std::move(socket)};
  }

  void serve(std::uint64_t id) {
    Connection& connection = connections_.at(id);
    char buffer[4096];
    const ssize_t count = ::recv(connection.socket.get(), buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0 || connection.is_asked) {
      connections_.erase(id);
      return;
    }
    connection.request.append(buffer, static_cast<std::size_t>(count));
    const std::size_t end = connection.request.find('\n');
    if (end != std::string::npos) return ask(id, connection.request.substr(0, end));
    if (connection.request.size() <= kControlLineMax) return;
    send_line(connection.socket.get(), R"({"error":"the request is too long"})");
    connections_.erase(id);
  }

  void ask(std::uint64_t id, const std::string& request) {
    connections_.at(id).is_asked = true;
    service_(request, [shared = shared_, id](std::string answer) {
      {
        const std::lock_guard lock(shared->mutex);
        shared->answers.emplace_back(id, std::move(answer));
      }
      shared->notify();
    });
  }

  void drop_idle() {
    const auto now = SteadyClock::now();
    std::erase_if(connections_, [now](const auto& each) {
      return !each.second.is_asked && now - each.second.since > kRequestLimit;
    });
  }

  // Somebody who does not read keeps nobody waiting for long.
  static void send_line(int socket, const std::string& answer) {
    const std::string line = answer + "\n";
    const auto deadline = SteadyClock::now() + kAnswerLimit;
    for (std::size_t sent = 0; sent < line.size();) {
      const ssize_t count = ::send(socket, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
        continue;
      }
      if ((errno != EAGAIN && errno != EINTR) || SteadyClock::now() > deadline) return;
      pollfd polled{socket, POLLOUT, 0};
      ::poll(&polled, 1, 50);
    }
  }

  const OwnedFd listener_;
  const std::shared_ptr<Shared> shared_;
  const ControlService service_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t next_id_ = 1;
};

Result<std::unique_ptr<ControlServer>> ControlServer::start(const std::string& directory,
                                                            ControlService service) {
  WEIR_ASSIGN_OR_RETURN(OwnedFd listener, listen_in(directory));
  auto shared = std::make_shared<Shared>();
  WEIR_CHECK(shared->wake.get() >= 0);
  auto loop = std::make_shared<Loop>(std::move(listener), shared, std::move(service));
  std::thread thread([loop] { loop->run(); });
  return std::unique_ptr<ControlServer>(
      new ControlServer(directory, std::move(shared), std::move(thread)));
}

ControlServer::ControlServer(std::string directory, std::shared_ptr<Shared> shared,
                             std::thread thread)
    : directory_(std::move(directory)), shared_(std::move(shared)), thread_(std::move(thread)) {}

ControlServer::~ControlServer() {
  // Nobody is to find a socket that nobody answers.
  ::unlink((directory_ + "/" + kControlSocket).c_str());
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_over = true;
  }
  shared_->notify();
  thread_.join();
}

}  // namespace weir
