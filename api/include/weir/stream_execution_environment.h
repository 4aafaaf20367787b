// SPDX-License-Identifier: Apache-2.0
// StreamExecutionEnvironment: where a program begins and where it is run.
#pragma once

#include <weir/arguments.h>
#include <weir/connector.h>
#include <weir/data_stream.h>
#include <weir/execution_settings.h>
#include <weir/keyed_stream.h>
#include <weir/watermark_strategy.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/collection_source.h"
#include "api/operators/source_transformation.h"
#include "base/status.h"
#include "core/program.h"

namespace weir {

/// Collects the operators of a program, then runs it.
///
/// `main()` makes one, describes the job on it and returns what `execute` returns. It runs wherever
/// the job runs, so it may depend only on its arguments.
///
/// Thread: one at a time.
class StreamExecutionEnvironment {
 public:
  /// Reads the command line: Weir's options, then `--`, then the job's own flags. What is wrong
  /// with them is reported by `execute`. May end the process, for `--help` and the like.
  static StreamExecutionEnvironment from_args(int argc, char** argv);
  explicit StreamExecutionEnvironment(ExecutionSettings settings = {}, Arguments arguments = {})
      : settings_(std::move(settings)), arguments_(std::move(arguments)) {}

  /// The job's own flags.
  const Arguments& arguments() const { return arguments_; }
  /// How the job is run. The program may change it; the command line has been read already.
  ExecutionSettings& settings() { return settings_; }
  const ExecutionSettings& settings() const { return settings_; }

  /// Reads from a connector, such as `weir::FileSource<Record>{...}`. `id` names the source in
  /// logs, metrics and snapshots.
  template <class Source, class T, class TimeOf>
  auto from_source(std::string id, const Source& source,
                   const WatermarkStrategy<T, TimeOf>& strategy) {
    static_assert(SourceDefinition<Source>,
                  "weir: from_source(id, source, strategy) takes the options of a source, such as "
                  "weir::FileSource<Record>{...}");
    if constexpr (SourceDefinition<Source>) {
      constexpr bool kSameRow = std::same_as<typename Source::Row, T>;
      static_assert(std::same_as<typename Source::Row, T>,
                    "weir: the WatermarkStrategy is not for the record type of the source");
      if constexpr (kSameRow && detail::check_row<T>()) {
        return DataStream<T>(detail::Boundary<T>(
            graph_, detail::add_source(*graph_, std::move(id), source, strategy)));
      } else {
        return detail::Broken{};
      }
    } else {
      return detail::Broken{};
    }
  }

  /// Reads records that the program holds, in their order, by a single subtask. For tests and small
  /// tables.
  template <class T, class TimeOf = detail::ConnectorTime>
  auto from_collection(
      std::string id, std::vector<T> rows,
      const WatermarkStrategy<T, TimeOf>& strategy = WatermarkStrategy<T>::none()) {
    if constexpr (detail::check_row<T>()) {
      const detail::CollectionSource<T> source{
          std::make_shared<const detail::Collection<T>>(std::move(rows))};
      return from_source(std::move(id), source, strategy).set_parallelism(1);
    } else {
      return detail::Broken{};
    }
  }

  /// Checks the program as a whole. Returns what can be run, or every mistake there is, a line
  /// each, with the operator it belongs to.
  Result<std::shared_ptr<const Program>> build(const std::string& job_name) const;

  /// Runs the job and returns the exit status of the process: 0 if it finished, or stopped as
  /// asked. Prints the program's mistakes instead, if it has any. Called once, at the end of
  /// `main()`.
  int execute(const std::string& job_name);

 private:
  ExecutionSettings settings_;
  Arguments arguments_;
  // Shared with every stream of the program.
  std::shared_ptr<detail::StreamGraph> graph_ = std::make_shared<detail::StreamGraph>();
};

namespace detail {

// Defined in launch/, which knows how jobs are started and run.

/// Reads the command line into settings and the job's arguments.
ExecutionSettings parse_command_line(int argc, char** argv, Arguments& arguments);
/// Runs the program or reports why there is none; returns the exit status of the process.
int launch(const Result<std::shared_ptr<const Program>>& program,
           const ExecutionSettings& settings);

}  // namespace detail
}  // namespace weir
