// SPDX-License-Identifier: Apache-2.0
// posix_spawn and a pipe.
#include "cli/program_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace weir::cli {
namespace {

constexpr std::size_t kOutputBytesMax = std::size_t{64} << 20;

/// A file descriptor that is closed in the end.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  void reset() {
    if (number_ >= 0) {
      ::close(number_);
    }
    number_ = -1;
  }
  int number() const { return number_; }

 private:
  int number_;
};

// Reads to the end; more than is allowed is read and forgotten, so that the program ends.
Result<std::string> read_to_end(int descriptor, const std::string& program) {
  std::string output;
  std::size_t size = 0;
  char piece[65536];
  for (;;) {
    const ssize_t length = ::read(descriptor, piece, sizeof(piece));
    if (length < 0 && errno == EINTR) {
      continue;
    }
    if (length < 0) {
      return internal_error(
          fmt::format("cannot read what '{}' prints: {}", program, std::strerror(errno)));
    }
    if (length == 0) {
      break;
    }
    size += static_cast<std::size_t>(length);
    if (size <= kOutputBytesMax) {
      output.append(piece, static_cast<std::size_t>(length));
    }
  }
  if (size > kOutputBytesMax) {
    return resource_exhausted(
        fmt::format("'{}' prints too much: bytes={} max={}", program, size, kOutputBytesMax));
  }
  return output;
}

Status check_exit(const std::string& program, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return Status::ok();
  }
  return failed_precondition(
      WIFSIGNALED(status) ? fmt::format("'{}' was ended by signal {}", program, WTERMSIG(status))
                          : fmt::format("'{}' ended with status {}", program, WEXITSTATUS(status)));
}

}  // namespace

Result<std::string> output_of_program(const std::string& program,
                                      const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return internal_error(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  Descriptor output(ends[0]);
  Descriptor input(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.number(), STDOUT_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  input.reset();
  if (error != 0) {
    return not_found(fmt::format("cannot run '{}': {}", program, std::strerror(error)));
  }
  Result<std::string> text = read_to_end(output.number(), program);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  WEIR_RETURN_IF_ERROR(text.status());
  WEIR_RETURN_IF_ERROR(check_exit(program, status));
  return text;
}

}  // namespace weir::cli
