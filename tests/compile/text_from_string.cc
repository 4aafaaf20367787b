// SPDX-License-Identifier: Apache-2.0
// A Text would outlive the string it was made from.
// expect: weir: a Text is not made from a string that may die
#include <string>

#include "types/text.h"

struct Alert {
  weir::Text account;
  double amount = 0;
};
void emit(Alert alert);
void raise(const std::string& account) { emit({account, 1.0}); }
