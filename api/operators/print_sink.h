// SPDX-License-Identifier: Apache-2.0
// PrintSink: writes each record as a line to standard output.
#pragma once

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/standard_streams.h"
#include "core/sink.h"
#include "types/type_info.h"

namespace weir::detail {

/// Prints records by `<<`, with the subtask in front where there are several.
///
/// Errors: ends the job, without a restart, when standard output does not take a line.
/// Cost:   formats and flushes a batch at a time; for looking at, not for volume.
template <class T>
class PrintWriter final : public SinkWriter<T> {
 public:
  void open(OperatorContext& context) override {
    if (context.info().parallelism.value() > 1) {
      prefix_ = std::to_string(context.info().subtask.value() + 1) + "> ";
    }
  }
  void write(const TypedBatch<T>& batch, std::size_t begin, std::size_t end) override {
    std::ostringstream lines;
    for (std::size_t i = begin; i < end; ++i) {
      lines << prefix_;
      print_value(lines, batch.rows()[i]);
      lines << '\n';
    }
    throw_if_error(write_standard_output(lines.str()));
  }

 private:
  std::string prefix_;
};

template <class T>
struct PrintSink {
  std::vector<std::string> validate() const { return {}; }
  std::unique_ptr<SinkWriter<T>> make_writer() const { return std::make_unique<PrintWriter<T>>(); }
};

}  // namespace weir::detail
