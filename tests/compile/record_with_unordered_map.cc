// SPDX-License-Identifier: Apache-2.0
// A map without order has no one encoding.
// expect: std::map for an unordered_map
#include <unordered_map>

#include "types/serializer.h"

struct Payment {
  std::unordered_map<int, int> parts;
};
WEIR_RECORD(Payment, parts)
void encode(weir::ByteWriter& out, const Payment& payment) {
  weir::Serializer<Payment>::encode(out, payment);
}
