// SPDX-License-Identifier: Apache-2.0
// Which windows there may be.
#include "api/operators/window_function_traits.h"

namespace weir::detail {

std::vector<std::string> window_mistakes(const WindowOptions& options) {
  constexpr std::int64_t kSlidesPerWindowMax = 10'000'000;
  constexpr Duration kLengthMax = std::chrono::hours{24 * 366 * 1000};
  constexpr Duration kZero{0};
  const auto& [size, slide, shift] = options.windows;
  std::vector<std::string> mistakes;
  const auto check = [&mistakes](bool holds, const std::string& sentence) {
    if (!holds) mistakes.push_back(sentence);
  };
  check(size > kZero, "the window's size must be positive, not " + to_string(size));
  check(slide > kZero, "the window's slide must be positive, not " + to_string(slide));
  check(options.allowed_lateness >= kZero,
        "the allowed lateness must not be negative, not " + to_string(options.allowed_lateness));
  if (size <= kZero || slide <= kZero) return mistakes;
  check(size <= kLengthMax && slide <= kLengthMax && options.allowed_lateness <= kLengthMax,
        "the window's size, slide and allowed lateness must be at most 1000 years");
  check(shift < slide && -slide < shift, "the window's offset (" + to_string(shift) +
                                             ") must be shorter than its slide (" +
                                             to_string(slide) + ")");
  check(size / slide <= kSlidesPerWindowMax, "the window's size (" + to_string(size) +
                                                 ") must be at most 10,000,000 slides (" +
                                                 to_string(slide) + ")");
  return mistakes;
}

}  // namespace weir::detail
