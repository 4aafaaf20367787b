// SPDX-License-Identifier: Apache-2.0
// Nor from an array that can change: only literals are for ever.
// expect: weir: a Text is not made from a string that may die
#include "types/text.h"

weir::Text name() {
  char buffer[16] = "local";
  weir::Text text = buffer;
  return text;
}
