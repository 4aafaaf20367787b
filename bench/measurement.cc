// SPDX-License-Identifier: Apache-2.0
// Subjects as Google Benchmark's benchmarks, and a reporter that keeps the least of each.
#include "bench/measurement.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>

#include "bench/process_run.h"

namespace weir::bench {
namespace {

using Measurements = std::map<std::string, Measurement>;

struct Repetitions {
  int of_passes;
  int of_jobs;
  int of_processes;
  double seconds_min;  // of one repetition of short passes
};
Repetitions repetitions(Effort effort) {
  switch (effort) {
    case Effort::kQuick: return {3, 1, 1, 0.05};
    case Effort::kFull: return {9, 5, 2, 0.25};
    case Effort::kLong: return {9, 5, 1, 0.25};
  }
  return {};
}

void run_passes(benchmark::State& state, const Subject& subject, Measurement& measured) {
  std::optional<Outcome> outcome;
  try {
    for ([[maybe_unused]] auto iteration : state) {
      const Outcome passed = subject.pass();
      if (outcome.value_or(passed) != passed) throw std::runtime_error("two passes differ");
      outcome = passed;
    }
  } catch (const std::exception& error) {
    measured.failure = error.what();
    state.SkipWithError(error.what());
    return;
  }
  if (outcome) measured.outcome = *outcome;
}

class LeastReporter final : public benchmark::BenchmarkReporter {
 public:
  LeastReporter(const Suite& suite, Measurements& measurements)
      : suite_(suite), measurements_(measurements) {}

  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      const std::string& name = run.run_name.function_name;
      const auto subject =
          std::find_if(suite_.subjects().begin(), suite_.subjects().end(),
                       [&name](const Subject& candidate) { return candidate.name == name; });
      if (subject == suite_.subjects().end()) continue;
      const double records =
          static_cast<double>(subject->records) * static_cast<double>(run.iterations);
      Measurement& measured = measurements_[name];
      take_least(measured.cpu_nanos, run.cpu_accumulated_time * 1e9 / records);
      take_least(measured.wall_nanos, run.real_accumulated_time * 1e9 / records);
    }
  }

 private:
  static void take_least(double& least, double value) {
    least = least == 0 ? value : std::min(least, value);
  }

  const Suite& suite_;
  Measurements& measurements_;
};

// Before Google Benchmark starts, while this process is small and has one thread.
void measure_processes(const Suite& suite, int repetitions, Measurements& measurements) {
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    for (const Subject& subject : suite.subjects()) {
      if (subject.length != Subject::Length::kProcess) continue;
      const Measurement run = run_in_process(subject);
      std::fputc('.', stderr);
      const auto [place, is_first] = measurements.try_emplace(subject.name, run);
      Measurement& least = place->second;
      if (is_first || !least.failure.empty()) continue;
      if (!run.failure.empty() || run.outcome != least.outcome) {
        least.failure = run.failure.empty() ? "two passes differ" : run.failure;
      } else if (run.cpu_nanos < least.cpu_nanos) {
        least = run;
      }
    }
  }
}

}  // namespace

std::map<std::string, Measurement> measure(const Suite& suite, const char* program) {
  Measurements measurements;
  Repetitions repeat = repetitions(suite.effort());
  if (suite.scope().repetitions > 0) repeat.of_processes = suite.scope().repetitions;
  fmt::print(stderr, "Measuring {} subjects ", suite.subjects().size());
  measure_processes(suite, repeat.of_processes, measurements);
  const std::size_t processes = measurements.size();
  for (const Subject& subject : suite.subjects()) {
    if (subject.length == Subject::Length::kProcess) continue;
    Measurement& measured = measurements[subject.name];
    auto* registered = benchmark::RegisterBenchmark(
        subject.name.c_str(), [&subject, &measured](benchmark::State& state) {
          if (!measured.failure.empty()) {
            state.SkipWithError(measured.failure.c_str());
            return;
          }
          run_passes(state, subject, measured);
          std::fputc('.', stderr);
        });
    registered->MeasureProcessCPUTime()->UseRealTime();
    if (subject.length == Subject::Length::kJob) {
      registered->Iterations(1)->Repetitions(repeat.of_jobs);
    } else {
      registered->MinTime(repeat.seconds_min)->Repetitions(repeat.of_passes);
    }
  }
  // Repetitions of all in turn, so that a busy minute of the machine does not fall on one subject.
  std::string interleaving = "--benchmark_enable_random_interleaving=true";
  std::string name = program;
  std::array<char*, 3> arguments{name.data(), interleaving.data(), nullptr};
  int count = 2;
  benchmark::Initialize(&count, arguments.data());
  LeastReporter reporter(suite, measurements);
  if (measurements.size() > processes) benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  std::fputc('\n', stderr);
  return measurements;
}

}  // namespace weir::bench
