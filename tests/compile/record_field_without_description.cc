// SPDX-License-Identifier: Apache-2.0
// A described struct with a field that nobody described cannot be decoded.
// expect: weir: this type has no description: describe it with WEIR_RECORD
#include "types/serializer.h"

struct Inner {
  int amount = 0;
};
struct Payment {
  Inner inner;
};
WEIR_RECORD(Payment, inner)
Payment decode(weir::ByteReader& in, weir::TextMaker& text) {
  return weir::Serializer<Payment>::decode(in, text);
}
