// SPDX-License-Identifier: Apache-2.0
// A field that is not in the list would be lost without a word.
// expect: weir: WEIR_RECORD must list every field
#include "types/serializer.h"

struct Payment {
  int id = 0;
  double amount = 0;
  weir::Text currency;
};
WEIR_RECORD(Payment, id, amount)
