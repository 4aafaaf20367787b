// SPDX-License-Identifier: Apache-2.0
// PrintSink: shows every record as a line of text.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "connectors/print/line_printer.h"
#include "core/sink.h"
#include "types/type_info.h"

namespace weir {

namespace detail {

template <class T>
class LinePrintWriter final : public SinkWriter<T> {
 public:
  explicit LinePrintWriter(LinePrinter printer) : printer_(std::move(printer)) {}

  void open(OperatorContext& context) override { printer_.open(context.info()); }
  void write(const TypedBatch<T>& batch, std::size_t begin, std::size_t end) override {
    for (const T& row : batch.rows().subspan(begin, end - begin)) {
      print(printer_.begin_line(), row);
      printer_.end_line();
    }
    printer_.flush();
  }

 private:
  LinePrinter printer_;
};

}  // namespace detail

/// Prints each record, as `alerts> Alert{account: "a-1", amount: 2.5}`; with several subtasks as
/// `alerts:0> ...`. For looking at small jobs: after a failure records are printed again.
template <class T>
struct PrintSink {
  /// Where to. Must outlive the job; with several subtasks it must be safe to write to it from
  /// several threads. Default: standard output.
  std::ostream* stream = {};
  /// What stands before each record. Default: the operator's id.
  std::string prefix = {};

  std::vector<std::string> validate() const { return {}; }
  std::unique_ptr<SinkWriter<T>> make_writer() const {
    return std::make_unique<detail::LinePrintWriter<T>>(detail::LinePrinter(stream, prefix));
  }
};

}  // namespace weir
