// SPDX-License-Identifier: Apache-2.0
// A struct that nobody described cannot be encoded.
// expect: weir: this type has no description: describe it with WEIR_RECORD
#include "types/serializer.h"

struct Payment {
  int amount = 0;
};
void encode(weir::ByteWriter& out, const Payment& payment) {
  weir::Serializer<Payment>::encode(out, payment);
}
