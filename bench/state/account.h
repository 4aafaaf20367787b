// SPDX-License-Identifier: Apache-2.0
// Account: state of 100 bytes.
#pragma once

#include <weir/weir.h>

#include <cstdint>

namespace weir::bench {

/// A counter, and what makes it 100 bytes.
struct Account {
  std::int64_t count = 0;
  double a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11;
  std::int32_t flags = 0;
};
WEIR_RECORD(Account, count, a, b, c, d, e, f, g, h, i, j, k, flags)

}  // namespace weir::bench
