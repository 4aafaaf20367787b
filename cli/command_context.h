// SPDX-License-Identifier: Apache-2.0
// What every command of `weir` gets, and how it ends.
#pragma once

#include <ostream>

#include "base/file_store.h"
#include "base/status.h"

namespace weir::cli {

/// Where a command reads and writes.
struct CommandContext {
  FileStore& files;
  std::ostream& out;
  std::ostream& error;
};

/// Exit statuses.
inline constexpr int kOk = 0;
/// The answer is no: damaged, different, not restorable.
inline constexpr int kNo = 1;
/// There is no answer: wrong arguments, nothing there.
inline constexpr int kUnusable = 2;

/// Prints the error and returns the exit status that it means: damage is an answer.
inline int fail(const CommandContext& context, const Status& status) {
  context.error << "weir: " << status.message() << '\n';
  return status.code() == StatusCode::kDataLoss ? kNo : kUnusable;
}

}  // namespace weir::cli
