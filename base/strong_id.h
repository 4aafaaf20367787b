// SPDX-License-Identifier: Apache-2.0
// StrongId: numbers and names that cannot be mixed up, one type per meaning.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace weir {

/// Wraps a Rep under a type of its own. `Tag` only names the type; it may stay incomplete.
///
/// No arithmetic: what may be added up is not an id.
template <class Tag, class Rep>
class StrongId {
 public:
  using rep = Rep;

  constexpr StrongId() : value_() {}
  constexpr explicit StrongId(Rep value) : value_(std::move(value)) {}

  /// Small representations by value, text by reference.
  constexpr auto value() const
      -> std::conditional_t<std::is_trivially_copyable_v<Rep>, Rep, const Rep&> {
    return value_;
  }

  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
  friend constexpr bool operator==(const StrongId&, const StrongId&) = default;

  friend std::string to_string(const StrongId& id) {
    if constexpr (std::is_arithmetic_v<Rep>) {
      return std::to_string(id.value_);
    } else {
      return std::string(id.value_);
    }
  }

 private:
  Rep value_;
};

}  // namespace weir

template <class Tag, class Rep>
struct std::hash<weir::StrongId<Tag, Rep>> {
  std::size_t operator()(const weir::StrongId<Tag, Rep>& id) const {
    return std::hash<Rep>()(id.value());
  }
};
