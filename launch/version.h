// SPDX-License-Identifier: Apache-2.0
// Which Weir this is.
#pragma once

#include <string_view>

namespace weir {

inline constexpr std::string_view kVersionText = "weir 0.1.0";

}  // namespace weir
