// SPDX-License-Identifier: Apache-2.0
// Writing to standard output or to a stream.
#include "connectors/print/line_printer.h"

#include <ostream>
#include <utility>

#include "base/standard_streams.h"
#include "base/status.h"

namespace weir::detail {

LinePrinter::LinePrinter(std::ostream* stream, std::string prefix)
    : stream_(stream), prefix_(std::move(prefix)) {}

void LinePrinter::open(const OperatorInfo& info) {
  if (prefix_.empty()) prefix_ = info.id.value();
  if (info.parallelism.value() > 1) prefix_ += ":" + std::to_string(info.subtask.value());
  prefix_ += "> ";
}

void LinePrinter::flush() {
  const std::string text = std::move(lines_).str();
  lines_ = std::ostringstream();
  if (text.empty()) return;
  if (stream_ != nullptr) {
    stream_->write(text.data(), static_cast<std::streamsize>(text.size())).flush();
    if (!*stream_) throw StatusError(unavailable("cannot print to the stream"));
    return;
  }
  throw_if_error(write_standard_output(text));
}

}  // namespace weir::detail
