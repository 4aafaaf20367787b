// SPDX-License-Identifier: Apache-2.0
// Two fields of one name would be one in JSON.
// expect: weir: WEIR_RECORD lists a field twice
#include "types/serializer.h"

struct Payment {
  int id = 0;
  int amount = 0;
};
WEIR_RECORD(Payment, id, (amount, "id"))
