// SPDX-License-Identifier: Apache-2.0
// /dev/null in place of closed descriptors, and stdio with its errors looked at.
#include "base/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

namespace weir {

void reserve_standard_streams() {
  // Open gives the lowest free number, so those below must be taken first.
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    const int mode = descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", mode) != descriptor) return;
  }
}

Status write_standard_output(std::string_view text) {
  flockfile(stdout);
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  const int error = errno;
  funlockfile(stdout);
  if (is_written) return Status::ok();
  return Status(StatusCode::kUnavailable,
                "cannot write to standard output: " + std::generic_category().message(error),
                ErrorDomain::kExternal, RetryHint::kNo);
}

}  // namespace weir
