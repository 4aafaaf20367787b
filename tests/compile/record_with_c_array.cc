// SPDX-License-Identifier: Apache-2.0
// A C array compares by address; std::array does what is meant.
// expect: std::array for a C array
#include "types/type_info.h"

struct Payment {
  int parts[3] = {};
};
WEIR_RECORD(Payment, parts)
const weir::TypeInfo& info = weir::type_info<Payment>();
