// SPDX-License-Identifier: Apache-2.0
// Child processes that report a line before and after each seed.
#include "tests/simulation/seed_runner.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>
#include <vector>

#include "base/check.h"

namespace weir::simulation {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Line ends may not be inside a line of the pipe.
std::string on_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', '\x1f');
  return text;
}
std::string on_many_lines(std::string text) {
  std::replace(text.begin(), text.end(), '\x1f', '\n');
  return text;
}

void write_line(int pipe, const std::string& line) {
  const std::string whole = line + "\n";
  for (std::size_t done = 0; done < whole.size();) {
    const ssize_t written = ::write(pipe, whole.data() + done, whole.size() - done);
    if (written < 0) _exit(3);  // the parent is gone
    done += static_cast<std::size_t>(written);
  }
}

std::string counts_text(const SimulationCounts& counts) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {}", counts.actions, counts.simulated_time,
                     counts.crashes, counts.starts, counts.restarts, counts.checkpoints,
                     counts.refusals, counts.user_failures, counts.savepoints, counts.stops,
                     counts.drains);
}

// Every `stride`-th seed of the range, from the `first`.
[[noreturn]] void run_child(int pipe, const SeedRange& range, std::uint64_t first,
                            std::uint64_t stride, const SimulationOptions& options) {
  for (std::uint64_t i = first; i < range.count; i += stride) {
    const std::uint64_t seed = range.from + i;
    write_line(pipe, fmt::format("begin {}", seed));
    const SimulationOutcome outcome = run_seed(seed, options);
    write_line(pipe, fmt::format("end {} {} {}", seed, counts_text(outcome.counts),
                                 on_one_line(outcome.violation.value_or(""))));
  }
  _exit(0);
}

struct Child {
  pid_t process = 0;
  int pipe = -1;
  std::string unread;
  std::optional<std::uint64_t> seed;  // the one it is at
  SteadyClock::time_point began;
};

class Parent {
 public:
  Parent(const SeedRange& range, const SeedRunnerOptions& options,
         const std::function<void(std::uint64_t, const std::string&)>& on_failed)
      : range_(range), options_(options), on_failed_(on_failed) {}

  SeedSummary run() {
    std::fflush(nullptr);
    const std::uint64_t jobs =
        std::max<std::uint64_t>(1, std::min<std::uint64_t>(options_.jobs, range_.count));
    for (std::uint64_t i = 0; i < jobs; ++i) start(i, jobs);
    while (!children_.empty() && !is_over_) serve();
    for (const Child& child : children_) end(child);
    return std::move(summary_);
  }

 private:
  void start(std::uint64_t first, std::uint64_t stride) {
    std::array<int, 2> ends{};
    WEIR_CHECK_EQ(::pipe(ends.data()), 0);
    const pid_t process = ::fork();
    WEIR_CHECK_GE(process, 0);
    if (process == 0) {
      ::close(ends[0]);
      run_child(ends[1], range_, first, stride, options_.simulation);
    }
    ::close(ends[1]);
    children_.push_back({process, ends[0], "", std::nullopt, SteadyClock::now()});
  }

  static void end(const Child& child) {
    ::kill(child.process, SIGKILL);
    ::close(child.pipe);
    ::waitpid(child.process, nullptr, 0);
  }

  void serve() {
    std::vector<pollfd> polled;
    for (const Child& child : children_) polled.push_back({child.pipe, POLLIN, 0});
    ::poll(polled.data(), polled.size(), 1000);
    for (std::size_t i = polled.size(); i-- > 0;) {
      if ((polled[i].revents & (POLLIN | POLLHUP)) != 0) {
        if (!read_from(children_[i])) lose(i);
      } else if (children_[i].seed &&
                 SteadyClock::now() - children_[i].began > options_.seed_limit) {
        failed(*children_[i].seed, fmt::format("I13: the simulation hangs for more than {} s",
                                               options_.seed_limit.count()));
        end(children_[i]);
        children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }

  // False at the end of the pipe.
  bool read_from(Child& child) {
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(child.pipe, buffer.data(), buffer.size());
    if (size <= 0) return false;
    child.unread.append(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = child.unread.find('\n')) != std::string::npos;) {
      take(child, child.unread.substr(0, end));
      child.unread.erase(0, end + 1);
    }
    return true;
  }

  void take(Child& child, const std::string& line) {
    std::istringstream in(line);
    std::string what;
    std::uint64_t seed = 0;
    in >> what >> seed;
    if (what == "begin") {
      child.seed = seed;
      child.began = SteadyClock::now();
      return;
    }
    child.seed.reset();
    SimulationCounts counts;
    in >> counts.actions >> counts.simulated_time >> counts.crashes >> counts.starts >>
        counts.restarts >> counts.checkpoints >> counts.refusals >> counts.user_failures >>
        counts.savepoints >> counts.stops >> counts.drains;
    add(counts);
    std::string violation;
    in.get();
    std::getline(in, violation);
    if (violation.empty()) {
      ++summary_.passed;
    } else {
      failed(seed, on_many_lines(violation));
    }
  }

  void add(const SimulationCounts& counts) {
    SimulationCounts& all = summary_.counts;
    all.actions += counts.actions;
    all.simulated_time += counts.simulated_time;
    all.crashes += counts.crashes;
    all.starts += counts.starts;
    all.restarts += counts.restarts;
    all.checkpoints += counts.checkpoints;
    all.refusals += counts.refusals;
    all.user_failures += counts.user_failures;
    all.savepoints += counts.savepoints;
    all.stops += counts.stops;
    all.drains += counts.drains;
  }

  // The child has ended: as it should, or in the middle of a seed.
  void lose(std::size_t index) {
    const Child child = std::move(children_[index]);
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(index));
    ::close(child.pipe);
    int status = 0;
    ::waitpid(child.process, &status, 0);
    if (!child.seed) return;
    failed(*child.seed,
           WIFSIGNALED(status)
               ? fmt::format("the simulated program died of signal {}", WTERMSIG(status))
               : fmt::format("the simulated program left with status {}", WEXITSTATUS(status)));
    if (!is_over_) go_on_after(*child.seed);
  }

  // The seeds that the lost child would have run next.
  void go_on_after(std::uint64_t seed) {
    if (options_.on_failure == SeedRunnerOptions::OnFailure::kStop) return;
    const std::uint64_t stride = std::max<std::uint64_t>(1, options_.jobs);
    start(seed - range_.from + stride, stride);
  }

  void failed(std::uint64_t seed, const std::string& violation) {
    ++summary_.failed;
    if (!summary_.first_failed || seed < *summary_.first_failed) {
      summary_.first_failed = seed;
      summary_.first_violation = violation;
    }
    on_failed_(seed, violation);
    is_over_ = options_.on_failure == SeedRunnerOptions::OnFailure::kStop;
  }

  const SeedRange range_;
  const SeedRunnerOptions& options_;
  const std::function<void(std::uint64_t, const std::string&)>& on_failed_;
  std::vector<Child> children_;
  SeedSummary summary_;
  bool is_over_ = false;
};

}  // namespace

SimulationOutcome run_seed(std::uint64_t seed, const SimulationOptions& options) {
  SimulationOutcome outcome = simulate(seed, options);
  if (outcome.violation || seed % 100 != 0) return outcome;
  const SimulationOutcome again = simulate(seed, options);
  if (again.trace_hash != outcome.trace_hash) {
    outcome.violation =
        fmt::format("I14: two runs of the seed differ: trace hashes {:016x} and {:016x}",
                    outcome.trace_hash, again.trace_hash);
  }
  return outcome;
}

SeedSummary run_seeds(
    const SeedRange& range, const SeedRunnerOptions& options,
    const std::function<void(std::uint64_t seed, const std::string&)>& on_failed) {
  return Parent(range, options, on_failed).run();
}

}  // namespace weir::simulation
