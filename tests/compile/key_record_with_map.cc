// SPDX-License-Identifier: Apache-2.0
// Nor a record that holds such a thing.
// expect: weir: this type cannot be a key
#include "types/key_codec.h"

struct Account {
  int id = 0;
  std::map<int, int> parts;
};
WEIR_RECORD(Account, id, parts)
void encode(std::string& out, const Account& account) { weir::encode_key(out, account); }
