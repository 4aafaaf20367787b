// SPDX-License-Identifier: Apache-2.0
// Assertions that stay on in release: a failed one prints the condition, both values and the place,
// and aborts.
#pragma once

#include <sstream>
#include <string>
#include <type_traits>

namespace weir::detail {

/// Prints "check failed" with the place and aborts. Never returns, never allocates from user code.
[[noreturn]] void check_failed(const char* file, int line, const char* condition);
[[noreturn]] void check_comparison_failed(const char* file, int line, const char* condition,
                                          const std::string& left, const std::string& right);

template <class T>
std::string check_value_text(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<long long>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_same_v<T, std::nullptr_t>) {
    return "nullptr";
  } else if constexpr (requires { std::string(value); }) {
    return std::string(value);
  } else if constexpr (requires { std::string(to_string(value)); }) {
    return to_string(value);
  } else if constexpr (requires { std::to_string(value.count()); }) {
    return std::to_string(value.count());  // a std::chrono::duration
  } else if constexpr (requires(std::ostringstream& out) { out << value; }) {
    std::ostringstream out;
    out << value;
    return out.str();
  } else {
    return "(unprintable)";
  }
}

// Out of the caller's hot code: the values become text only when the check has failed.
template <class A, class B>
[[noreturn, gnu::cold, gnu::noinline]] void fail_comparison(const char* file, int line,
                                                            const char* condition, const A& left,
                                                            const B& right) {
  check_comparison_failed(file, line, condition, check_value_text(left), check_value_text(right));
}

}  // namespace weir::detail

#define WEIR_CHECK(condition)                                       \
  do {                                                              \
    if (!(condition)) [[unlikely]] {                                \
      ::weir::detail::check_failed(__FILE__, __LINE__, #condition); \
    }                                                               \
  } while (false)

#define WEIR_CHECK_COMPARISON(a, op, b)                                                    \
  do {                                                                                     \
    const auto& weir_check_a = (a);                                                        \
    const auto& weir_check_b = (b);                                                        \
    if (!(weir_check_a op weir_check_b)) [[unlikely]] {                                    \
      ::weir::detail::fail_comparison(__FILE__, __LINE__, #a " " #op " " #b, weir_check_a, \
                                      weir_check_b);                                       \
    }                                                                                      \
  } while (false)

#define WEIR_CHECK_EQ(a, b) WEIR_CHECK_COMPARISON(a, ==, b)
#define WEIR_CHECK_NE(a, b) WEIR_CHECK_COMPARISON(a, !=, b)
#define WEIR_CHECK_LT(a, b) WEIR_CHECK_COMPARISON(a, <, b)
#define WEIR_CHECK_LE(a, b) WEIR_CHECK_COMPARISON(a, <=, b)
#define WEIR_CHECK_GT(a, b) WEIR_CHECK_COMPARISON(a, >, b)
#define WEIR_CHECK_GE(a, b) WEIR_CHECK_COMPARISON(a, >=, b)

// On in debug builds only: for checks that cost on the record path.
#ifdef NDEBUG
#define WEIR_DCHECK(condition)                \
  do {                                        \
    (void)sizeof((condition) ? true : false); \
  } while (false)
#else
#define WEIR_DCHECK(condition) WEIR_CHECK(condition)
#endif

#define WEIR_UNREACHABLE() ::weir::detail::check_failed(__FILE__, __LINE__, "unreachable")
