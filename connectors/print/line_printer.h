// SPDX-License-Identifier: Apache-2.0
// LinePrinter: the part of the print sink that does not depend on the record type.
#pragma once

#include <iosfwd>
#include <sstream>
#include <string>

#include "core/operator_context.h"

namespace weir::detail {

/// Collects lines and writes them in one go, so that the lines of several subtasks do not mix.
///
/// Thread: the subtask's.
class LinePrinter {
 public:
  /// Null for standard output.
  LinePrinter(std::ostream* stream, std::string prefix);
  /// Makes the prefix: the one given or the operator's id, and the subtask where there are several.
  void open(const OperatorInfo& info);

  /// Where the next line goes; ended by `end_line`.
  std::ostream& begin_line() {
    lines_ << prefix_;
    return lines_;
  }
  void end_line() { lines_ << '\n'; }
  /// Writes what is collected.
  /// Errors: throws StatusError if it cannot be written; for standard output not to be retried.
  void flush();

 private:
  std::ostream* const stream_;
  std::string prefix_;
  std::ostringstream lines_;
};

}  // namespace weir::detail
