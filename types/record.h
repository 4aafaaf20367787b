// SPDX-License-Identifier: Apache-2.0
// WEIR_RECORD and WEIR_RECORD_INSIDE: describe a struct once; codec, JSON, CSV, printing, key
// encoding and schema follow from it.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <string_view>
#include <type_traits>

/// Describes a struct: `WEIR_RECORD(Transaction, account, amount, at)`.
///
/// Stands at namespace scope, in the struct's own namespace, and lists every field; a forgotten one
/// does not compile. The order of the list is the order of the encoded form. A field that has
/// another name outside C++ is listed with it: `WEIR_RECORD(Bid, auction, (price, "bid-price"))`.
/// Gives `==` and `<<` unless the struct has its own. At most 64 fields; no base classes, C arrays
/// or bit-fields. For class templates, local structs and private members see WEIR_RECORD_INSIDE.
#define WEIR_RECORD(Type, ...)                                                \
  constexpr auto weir_record(::weir::RecordOf<Type>) {                        \
    return WEIR_DETAIL_DESCRIPTION(Type, __VA_ARGS__);                        \
  }                                                                           \
  WEIR_DETAIL_LISTS_EVERY_FIELD(inline, Type, __VA_ARGS__)                    \
  template <std::same_as<Type> WeirT>                                         \
  constexpr bool operator==(const WeirT& weir_a, const WeirT& weir_b) {       \
    return ::weir::detail::records_equal(weir_a, weir_b);                     \
  }                                                                           \
  template <std::same_as<Type> WeirT>                                         \
  std::ostream& operator<<(std::ostream& weir_out, const WeirT& weir_value) { \
    return ::weir::detail::print_value(weir_out, weir_value);                 \
  }

/// The same for use inside a struct or class, as its last line. Gives `==`; the struct stays an
/// aggregate.
#define WEIR_RECORD_INSIDE(Type, ...)                      \
  bool operator==(const Type&) const = default;            \
  WEIR_DETAIL_LISTS_EVERY_FIELD(static, Type, __VA_ARGS__) \
  static constexpr auto weir_record() { return WEIR_DETAIL_DESCRIPTION(Type, __VA_ARGS__); }

namespace weir {

/// Leads argument-dependent lookup to the description of `T`.
template <class T>
struct RecordOf {};

namespace detail {

/// The fields of a record: members in the type, names in the value.
template <class T, auto... Members>
struct RecordDescription {
  using Record = T;
  static constexpr std::size_t kNumFields = sizeof...(Members);

  std::string_view name;
  std::array<std::string_view, kNumFields> field_names;

  /// Calls `f(field)` for each field of `value` in order.
  template <class Value, class F>
  static constexpr void for_each_field(Value& value, F&& f) {
    (f(value.*Members), ...);
  }
  /// Calls `f(field_of_a, field_of_b)` until it returns false; returns whether it never did.
  template <class F>
  static constexpr bool all_of(const T& a, const T& b, F&& f) {
    return (f(a.*Members, b.*Members) && ...);
  }

  constexpr bool names_differ() const {
    for (std::size_t i = 0; i < kNumFields; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (field_names[i] == field_names[j]) {
          return false;
        }
      }
    }
    return true;
  }
};

template <class T>
constexpr auto describe_record() {
  if constexpr (requires { T::weir_record(); }) {
    return T::weir_record();
  } else if constexpr (requires { weir_record(RecordOf<T>{}); }) {
    return weir_record(RecordOf<T>{});
  }
}
template <class T>
inline constexpr auto kRecordDescription = describe_record<T>();

/// A struct that WEIR_RECORD or WEIR_RECORD_INSIDE describes.
template <class T>
concept DescribedRecord = std::is_class_v<T> && requires {
  requires std::same_as<typename decltype(describe_record<T>())::Record, T>;
};

template <class T>
constexpr bool records_equal(const T& a, const T& b) {
  return kRecordDescription<T>.all_of(a, b, [](const auto& x, const auto& y) { return x == y; });
}

/// Prints any described value. Defined in types/type_info.h.
template <class T>
std::ostream& print_value(std::ostream& out, const T& value);

}  // namespace detail
}  // namespace weir

// Implementation details follow.

#define WEIR_DETAIL_DESCRIPTION(Type, ...)                                                         \
  [] {                                                                                             \
    constexpr bool weir_one_is_missing =                                                           \
        std::is_aggregate_v<Type> && []<class WeirT>(const WeirT*) {                               \
          return requires { WeirT{WEIR_DETAIL_FIELDS(WEIR_DETAIL_BRACES, Type, __VA_ARGS__){}}; }; \
        }(static_cast<const Type*>(nullptr));                                                      \
    static_assert(!weir_one_is_missing,                                                            \
                  "weir: WEIR_RECORD must list every field, at most 64; one of this struct is "    \
                  "missing");                                                                      \
    constexpr ::weir::detail::RecordDescription<Type WEIR_DETAIL_FIELDS(WEIR_DETAIL_POINTER, Type, \
                                                                        __VA_ARGS__)>              \
        weir_description{#Type, {WEIR_DETAIL_FIELDS(WEIR_DETAIL_NAME, Type, __VA_ARGS__)}};        \
    static_assert(weir_description.names_differ(), "weir: WEIR_RECORD lists a field twice");       \
    return weir_description;                                                                       \
  }()

// A structured binding needs exactly as many names as there are fields.
#define WEIR_DETAIL_LISTS_EVERY_FIELD(specifier, Type, ...)                                     \
  __VA_OPT__(specifier constexpr void weir_record_lists_every_field                             \
             [[maybe_unused]] (const Type& weir_value) {                                        \
               [[maybe_unused]] const auto& [WEIR_DETAIL_REST(                                  \
                   _ WEIR_DETAIL_FIELDS(WEIR_DETAIL_BINDING, Type, __VA_ARGS__))] = weir_value; \
             })

#define WEIR_DETAIL_BRACES(T, ...) __VA_OPT__({}, )
#define WEIR_DETAIL_POINTER(T, ...) __VA_OPT__(, &T::WEIR_DETAIL_MEMBER(__VA_ARGS__))
#define WEIR_DETAIL_BINDING(T, ...) \
  __VA_OPT__(, WEIR_DETAIL_CAT(weir_field_, WEIR_DETAIL_MEMBER(__VA_ARGS__)))
#define WEIR_DETAIL_NAME(T, ...) __VA_OPT__(WEIR_DETAIL_OUTSIDE_NAME(__VA_ARGS__), )

// A field is listed as `field` or as `(field, "name")`.
#define WEIR_DETAIL_MEMBER(field) \
  WEIR_DETAIL_CAT(WEIR_DETAIL_MEMBER_, WEIR_DETAIL_IS_PAIR(field))(field)
#define WEIR_DETAIL_MEMBER_0(field) field
#define WEIR_DETAIL_MEMBER_1(field) WEIR_DETAIL_FIRST field
#define WEIR_DETAIL_OUTSIDE_NAME(field) \
  WEIR_DETAIL_CAT(WEIR_DETAIL_OUTSIDE_NAME_, WEIR_DETAIL_IS_PAIR(field))(field)
#define WEIR_DETAIL_OUTSIDE_NAME_0(field) #field
#define WEIR_DETAIL_OUTSIDE_NAME_1(field) WEIR_DETAIL_SECOND field
#define WEIR_DETAIL_IS_PAIR(field) WEIR_DETAIL_THIRD(WEIR_DETAIL_PROBE field, 1, 0, 0)
#define WEIR_DETAIL_PROBE(...) _, _
#define WEIR_DETAIL_FIRST(a, ...) a
#define WEIR_DETAIL_SECOND(a, b) b
#define WEIR_DETAIL_THIRD(...) WEIR_DETAIL_THIRD_(__VA_ARGS__)
#define WEIR_DETAIL_THIRD_(a, b, c, ...) c
#define WEIR_DETAIL_REST(...) WEIR_DETAIL_REST_(__VA_ARGS__)
#define WEIR_DETAIL_REST_(a, ...) __VA_ARGS__
#define WEIR_DETAIL_CAT(a, b) WEIR_DETAIL_CAT_(a, b)
#define WEIR_DETAIL_CAT_(a, b) a##b

// Applies M(T, field) to every field: the list is filled up with empty ones, which expand to
// nothing. What is left behind the 64th is an error.
#define WEIR_DETAIL_COMMAS                                                                        \
  , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , \
      , , , , , , , , , , , , , , , ,
#define WEIR_DETAIL_FIELDS(M, T, ...) WEIR_DETAIL_FIELDS_(M, T, __VA_ARGS__ WEIR_DETAIL_COMMAS)
#define WEIR_DETAIL_FIELDS_(M, T, ...) WEIR_DETAIL_TABLE(M, T, __VA_ARGS__)
// clang-format off
#define WEIR_DETAIL_TABLE(M, T,                                                                  \
    f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16,                       \
    f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32,              \
    f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48,              \
    f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63, f64, ...)         \
  M(T, f1) M(T, f2) M(T, f3) M(T, f4) M(T, f5) M(T, f6) M(T, f7) M(T, f8)                        \
  M(T, f9) M(T, f10) M(T, f11) M(T, f12) M(T, f13) M(T, f14) M(T, f15) M(T, f16)                 \
  M(T, f17) M(T, f18) M(T, f19) M(T, f20) M(T, f21) M(T, f22) M(T, f23) M(T, f24)                \
  M(T, f25) M(T, f26) M(T, f27) M(T, f28) M(T, f29) M(T, f30) M(T, f31) M(T, f32)                \
  M(T, f33) M(T, f34) M(T, f35) M(T, f36) M(T, f37) M(T, f38) M(T, f39) M(T, f40)                \
  M(T, f41) M(T, f42) M(T, f43) M(T, f44) M(T, f45) M(T, f46) M(T, f47) M(T, f48)                \
  M(T, f49) M(T, f50) M(T, f51) M(T, f52) M(T, f53) M(T, f54) M(T, f55) M(T, f56)                \
  M(T, f57) M(T, f58) M(T, f59) M(T, f60) M(T, f61) M(T, f62) M(T, f63) M(T, f64)
// clang-format on
