// SPDX-License-Identifier: Apache-2.0
// A view of a temporary Text would point at bytes that are gone.
// expect: deleted function
#include "types/text.h"

weir::Text make();
std::string_view view() { return make(); }
