// SPDX-License-Identifier: Apache-2.0
// Nor from a pointer that says nothing of what it points to.
// expect: weir: a Text is not made from a string that may die
#include "types/text.h"

weir::Text name(const char* value) { return value; }
