// SPDX-License-Identifier: Apache-2.0
// What handles of keyed state throw.
#include "core/keyed_state.h"

namespace weir::detail {

void throw_no_value(const std::string& state) {
  throw std::runtime_error("state '" + state +
                           "' has no value for this key: ask has_value() first, or use value_or()");
}

}  // namespace weir::detail
