// SPDX-License-Identifier: Apache-2.0
// Which types have a description, and of which kind it is. What all generated code switches on.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "types/record.h"
#include "types/text.h"

namespace weir {

/// Encodes and decodes values of T in the compact binary form.
///
/// Generated from the description. A type without one gets its own by specialising this:
///
///   template <> struct weir::Serializer<Money> {
///     static constexpr std::string_view name = "Money";           // optional; stored in schemas
///     static void encode(weir::ByteWriter& out, const Money& value);   // at least one byte
///     static Money decode(weir::ByteReader& in, weir::TextMaker& text);
///     template <class F> static void for_each_text(Money& value, F&& f);  // if it holds Text
///   };
///
/// Errors: decode throws DecodeError.
template <class T>
struct Serializer {
  using Generated = void;
  static void encode(ByteWriter& out, const T& value);
  static T decode(ByteReader& in, TextMaker& text);
};

/// What a type is to generated code. Part of stored schemas: do not renumber.
enum class TypeKind : std::uint8_t {
  kUnsupported = 0,
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat,
  kDouble,
  kString,
  kText,
  kEventTime,
  kProcessingTime,
  kDuration,   ///< any std::chrono::duration
  kTimePoint,  ///< any std::chrono::time_point
  kEnum,
  kUnit,  ///< std::monostate
  kOptional,
  kVariant,
  kTuple,  ///< pair and tuple
  kVector,
  kArray,
  kMap,
  kRecord,
  kCustom,  ///< has a Serializer of its own
};

namespace detail {

template <class... Ts>
struct TypeList {};

// Kind and parts of the templates we know. Anything else is judged by `scalar_kind`.
template <class T>
struct Shape {
  static constexpr TypeKind kKind = TypeKind::kUnsupported;
  using Parts = TypeList<>;
};
template <TypeKind Kind, class... Ts>
struct ShapeOf {
  static constexpr TypeKind kKind = Kind;
  using Parts = TypeList<Ts...>;
};
template <class Rep, class Period>
  requires std::is_arithmetic_v<Rep>
struct Shape<std::chrono::duration<Rep, Period>> : ShapeOf<TypeKind::kDuration, Rep> {};
template <class Clock, class Span>
struct Shape<std::chrono::time_point<Clock, Span>> : ShapeOf<TypeKind::kTimePoint, Span> {};
template <class T>
struct Shape<std::optional<T>> : ShapeOf<TypeKind::kOptional, T> {};
template <class... Ts>
struct Shape<std::variant<Ts...>> : ShapeOf<TypeKind::kVariant, Ts...> {};
template <class A, class B>
struct Shape<std::pair<A, B>> : ShapeOf<TypeKind::kTuple, A, B> {};
template <class... Ts>
struct Shape<std::tuple<Ts...>> : ShapeOf<TypeKind::kTuple, Ts...> {};
template <class T, class A>
struct Shape<std::vector<T, A>> : ShapeOf<TypeKind::kVector, T> {};
template <class A>
struct Shape<std::vector<bool, A>> : ShapeOf<TypeKind::kUnsupported> {};
template <class T, std::size_t N>
struct Shape<std::array<T, N>> : ShapeOf<TypeKind::kArray, T> {};
template <class K, class V, class C, class A>
struct Shape<std::map<K, V, C, A>> : ShapeOf<TypeKind::kMap, K, V> {};

template <class T>
constexpr TypeKind integer_kind() {
  // `char` is unsigned everywhere, so that stored bytes do not depend on the processor.
  constexpr bool kIsSigned = std::is_signed_v<T> && !std::same_as<T, char>;
  switch (sizeof(T)) {
    case 1: return kIsSigned ? TypeKind::kInt8 : TypeKind::kUint8;
    case 2: return kIsSigned ? TypeKind::kInt16 : TypeKind::kUint16;
    case 4: return kIsSigned ? TypeKind::kInt32 : TypeKind::kUint32;
    case 8: return kIsSigned ? TypeKind::kInt64 : TypeKind::kUint64;
    default: return TypeKind::kUnsupported;
  }
}

template <class T>
constexpr TypeKind type_kind() {
  if constexpr (!std::is_object_v<T> || std::is_array_v<T> || std::is_pointer_v<T> ||
                !std::same_as<T, std::remove_cv_t<T>>) {
    return TypeKind::kUnsupported;
  } else if constexpr (std::same_as<T, bool>) {
    return TypeKind::kBool;
  } else if constexpr (std::is_integral_v<T>) {
    return integer_kind<T>();
  } else if constexpr (std::same_as<T, float>) {
    return TypeKind::kFloat;
  } else if constexpr (std::same_as<T, double>) {
    return TypeKind::kDouble;
  } else if constexpr (std::is_enum_v<T>) {
    return TypeKind::kEnum;
  } else if constexpr (std::same_as<T, std::string>) {
    return TypeKind::kString;
  } else if constexpr (std::same_as<T, Text>) {
    return TypeKind::kText;
  } else if constexpr (std::same_as<T, EventTime>) {
    return TypeKind::kEventTime;
  } else if constexpr (std::same_as<T, ProcessingTime>) {
    return TypeKind::kProcessingTime;
  } else if constexpr (std::same_as<T, std::monostate>) {
    return TypeKind::kUnit;
  } else if constexpr (!requires { typename Serializer<T>::Generated; }) {
    return TypeKind::kCustom;
  } else if constexpr (DescribedRecord<T>) {
    return TypeKind::kRecord;
  } else {
    return Shape<T>::kKind;
  }
}

template <class T>
inline constexpr TypeKind kTypeKind = type_kind<T>();

template <class T, class Parts = typename Shape<T>::Parts>
inline constexpr bool kIsDescribable = false;
template <class T, class... Parts>
inline constexpr bool kIsDescribable<T, TypeList<Parts...>> =
    kTypeKind<T> != TypeKind::kUnsupported && (kIsDescribable<Parts> && ...);

}  // namespace detail

/// A type that Weir can encode, print and store: arithmetic types, std::string, Text, times,
/// durations, enums; optional, variant, pair, tuple, vector (not of bool), array and map of
/// describable types; records; types with a Serializer of their own.
///
/// Fields of a record are checked when code for the record is generated.
template <class T>
concept Describable = detail::kIsDescribable<T>;

namespace detail {

template <class T>
constexpr bool holds_text();

template <class... Parts>
constexpr bool any_holds_text(TypeList<Parts...>) {
  return (holds_text<Parts>() || ...);
}

template <class T>
constexpr bool holds_text() {
  if constexpr (kTypeKind<T> == TypeKind::kText) {
    return true;
  } else if constexpr (kTypeKind<T> == TypeKind::kCustom) {
    return requires(T& value) { Serializer<T>::for_each_text(value, [](Text&) {}); };
  } else if constexpr (kTypeKind<T> == TypeKind::kRecord) {
    return []<class R, auto... Members>(const RecordDescription<R, Members...>&) {
      return (holds_text<std::remove_cvref_t<decltype(std::declval<R&>().*Members)>>() || ...);
    }(kRecordDescription<T>);
  } else {
    return any_holds_text(typename Shape<T>::Parts{});
  }
}

}  // namespace detail

/// Whether a T contains a Text anywhere.
template <class T>
inline constexpr bool kHoldsText = detail::holds_text<std::remove_cv_t<T>>();

/// Whether a T may be kept and moved as plain bytes: no text, nothing to destroy.
template <class T>
inline constexpr bool kTriviallyStored = std::is_trivially_copyable_v<T> && !kHoldsText<T>;

/// Calls `f(text)` for every Text in `value`, at any depth; compiles to nothing without text.
///
/// `f` may replace a Text by an equal one that lies elsewhere, not by another: keys of maps stay in
/// their place.
template <class T, class F>
void for_each_text(T& value, F&& f) {
  using Plain = std::remove_const_t<T>;
  constexpr TypeKind kKind = detail::kTypeKind<Plain>;
  if constexpr (!kHoldsText<Plain>) {
    return;
  } else if constexpr (kKind == TypeKind::kText) {
    f(value);
  } else if constexpr (kKind == TypeKind::kCustom) {
    Serializer<Plain>::for_each_text(value, f);
  } else if constexpr (kKind == TypeKind::kRecord) {
    detail::kRecordDescription<Plain>.for_each_field(
        value, [&f](auto& field) { for_each_text(field, f); });
  } else if constexpr (kKind == TypeKind::kOptional) {
    if (value.has_value()) {
      for_each_text(*value, f);
    }
  } else if constexpr (kKind == TypeKind::kVariant) {
    std::visit([&f](auto& held) { for_each_text(held, f); }, value);
  } else if constexpr (kKind == TypeKind::kTuple) {
    std::apply([&f](auto&... parts) { (for_each_text(parts, f), ...); }, value);
  } else if constexpr (kKind == TypeKind::kMap) {
    for (auto& [key, held] : value) {
      // Equal keys sort alike, so the map does not notice.
      for_each_text(const_cast<std::conditional_t<std::is_const_v<T>, const typename T::key_type,
                                                  typename T::key_type>&>(key),
                    f);
      for_each_text(held, f);
    }
  } else {
    for (auto& element : value) {
      for_each_text(element, f);
    }
  }
}

}  // namespace weir
