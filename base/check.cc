// SPDX-License-Identifier: Apache-2.0
// The cold half of the assertions: print and abort.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace weir::detail {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

void check_comparison_failed(const char* file, int line, const char* condition,
                             const std::string& left, const std::string& right) {
  std::fprintf(stderr, "%s:%d: check failed: %s (left=%s right=%s)\n", file, line, condition,
               left.c_str(), right.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace weir::detail
