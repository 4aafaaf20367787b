// SPDX-License-Identifier: Apache-2.0
// Also in a class with private members, where the compiler's own sentence must do.
// expect: only 1 name
#include "types/serializer.h"

class Payment {
 public:
  Payment() = default;
  WEIR_RECORD_INSIDE(Payment, id_)

 private:
  int id_ = 0;
  double amount_ = 0;
};
