// SPDX-License-Identifier: Apache-2.0
// A placeholder without argument is found before anything runs.
// expect: call to
#include "types/text.h"

weir::Text make(weir::TextMaker& text) { return text.text("{} over {}", 1); }
