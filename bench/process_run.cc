// SPDX-License-Identifier: Apache-2.0
// A child process per run, its result through a pipe, its cost from wait4().
#include "bench/process_run.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

namespace weir::bench {
namespace {

// What goes through the pipe: less than it holds.
struct Message {
  Outcome outcome;
  std::array<char, 512> failure{};
};

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

[[noreturn]] void run_child(const Subject& subject, int pipe) {
  Message message;
  try {
    message.outcome = subject.pass();
  } catch (const std::exception& error) {
    std::strncpy(message.failure.data(), error.what(), message.failure.size() - 1);
  }
  const bool is_told = write(pipe, &message, sizeof(message)) == sizeof(message);
  std::fflush(nullptr);
  _exit(is_told ? 0 : 1);
}

}  // namespace

Measurement run_in_process(const Subject& subject) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
  std::fflush(nullptr);
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child == 0) {
    close(pipe_ends[0]);
    run_child(subject, pipe_ends[1]);
  }
  close(pipe_ends[1]);
  Message message;
  const bool is_told = read(pipe_ends[0], &message, sizeof(message)) == sizeof(message);
  close(pipe_ends[0]);
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child) throw std::runtime_error("a process got lost");
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;

  const auto records = static_cast<double>(subject.records);
  Measurement measured;
  measured.cpu_nanos = (seconds_of(used.ru_utime) + seconds_of(used.ru_stime)) * 1e9 / records;
  measured.wall_nanos = elapsed.count() * 1e9 / records;
  measured.memory_bytes = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
  measured.outcome = message.outcome;
  measured.failure = is_told ? message.failure.data() : "its process died";
  return measured;
}

}  // namespace weir::bench
