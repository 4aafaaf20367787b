// SPDX-License-Identifier: Apache-2.0
// Keys as bytes: canonical, so that equal keys have equal bytes, and ordered as the keys are.
// What is hashed, stored and iterated are these bytes.
//
// Integers big endian in their full width, signed ones with the sign bit flipped; floats likewise,
// -0.0 as 0.0, all NaNs as one and the largest; strings with 0 as `1 1`, 1 as `1 2`, then a
// byte 0; an optional a byte 0, or 1 and the value; a variant its index as a byte and the value;
// records, tuples and arrays their parts one after the other. No encoding is the beginning of
// another, so encoded keys can be put one behind the other.
#pragma once

#include <bit>
#include <compare>
#include <limits>
#include <memory>

#include "types/type_kind.h"

namespace weir {
namespace detail {

template <class T>
constexpr bool is_key();

template <class... Parts>
constexpr bool are_keys(TypeList<Parts...>) {
  return (is_key<Parts>() && ...);
}

template <class T>
constexpr bool is_key() {
  switch (kTypeKind<T>) {
    case TypeKind::kUnsupported:
    case TypeKind::kVector:
    case TypeKind::kMap:
    case TypeKind::kCustom: return false;
    case TypeKind::kRecord:
      if constexpr (kTypeKind<T> == TypeKind::kRecord) {
        return []<class R, auto... Members>(const RecordDescription<R, Members...>&) {
          return (is_key<std::remove_cvref_t<decltype(std::declval<R&>().*Members)>>() && ...);
        }(kRecordDescription<T>);
      }
      return false;
    default: return are_keys(typename Shape<T>::Parts{});
  }
}

}  // namespace detail

/// A type that can be a key: integers, bool, floats, enums, strings, Text, times, durations, and
/// optional, variant, pair, tuple, array and records of such types.
template <class K>
concept KeyType = detail::is_key<K>();

namespace detail {

template <class K>
constexpr void check_key() {
  static_assert(KeyType<K>,
                "weir: this type cannot be a key: a key is an integer, bool, float, enum, string, "
                "weir::Text, time or duration, or an optional, variant, pair, tuple, array or "
                "WEIR_RECORD of such types");
}

// An unsigned number of T's width that sorts as T does.
template <class T>
constexpr auto ordered_bits(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr Bits kSign = Bits{1} << (sizeof(T) * 8 - 1);
    if (value == 0) {
      return kSign;
    }
    const T one = value == value ? value : std::numeric_limits<T>::quiet_NaN();
    const Bits bits = std::bit_cast<Bits>(one);
    return (bits & kSign) != 0 ? static_cast<Bits>(~bits) : static_cast<Bits>(bits | kSign);
  } else if constexpr (std::same_as<T, bool>) {
    return static_cast<std::uint8_t>(value ? 1 : 0);
  } else {
    using Bits = std::make_unsigned_t<T>;
    constexpr TypeKind kKind = integer_kind<T>();
    constexpr bool kIsSigned = kKind >= TypeKind::kInt8 && kKind <= TypeKind::kInt64;
    constexpr Bits kFlip = kIsSigned ? static_cast<Bits>(Bits{1} << (sizeof(T) * 8 - 1)) : Bits{0};
    return static_cast<Bits>(static_cast<Bits>(value) ^ kFlip);
  }
}

template <class T>
constexpr T from_ordered_bits(decltype(ordered_bits(T{})) bits) {
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = decltype(bits);
    constexpr Bits kSign = Bits{1} << (sizeof(T) * 8 - 1);
    return std::bit_cast<T>((bits & kSign) != 0 ? static_cast<Bits>(bits ^ kSign)
                                                : static_cast<Bits>(~bits));
  } else {
    // Zero's bits are the flip, and flipping twice is nothing.
    return static_cast<T>(bits ^ ordered_bits(T{}));
  }
}

template <class Bits>
constexpr Bits big_endian(Bits bits) {
  if constexpr (sizeof(Bits) == 2) {
    return __builtin_bswap16(bits);
  } else if constexpr (sizeof(Bits) == 4) {
    return __builtin_bswap32(bits);
  } else if constexpr (sizeof(Bits) == 8) {
    return __builtin_bswap64(bits);
  } else {
    return bits;
  }
}

// The number that stands for a key of a simple kind.
template <class K>
constexpr auto key_number(const K& key) {
  constexpr TypeKind kKind = kTypeKind<K>;
  if constexpr (kKind == TypeKind::kEventTime || kKind == TypeKind::kProcessingTime) {
    return key.millis();
  } else if constexpr (kKind == TypeKind::kDuration) {
    return key.count();
  } else if constexpr (kKind == TypeKind::kTimePoint) {
    return key.time_since_epoch().count();
  } else if constexpr (kKind == TypeKind::kEnum) {
    return static_cast<std::underlying_type_t<K>>(key);
  } else if constexpr (std::is_arithmetic_v<K>) {
    return key;
  }
}
template <class K>
inline constexpr bool kIsNumberKey = !std::is_void_v<decltype(key_number(std::declval<K>()))>;
template <class K>
inline constexpr bool kIsStringKey =
    kTypeKind<K> == TypeKind::kString || kTypeKind<K> == TypeKind::kText;

// Calls `f` with all parts of a record, tuple or array.
template <class K, class F>
void for_each_part(K& key, F&& f) {
  constexpr TypeKind kKind = kTypeKind<std::remove_const_t<K>>;
  if constexpr (kKind == TypeKind::kRecord) {
    kRecordDescription<std::remove_const_t<K>>.for_each_field(key, f);
  } else {
    std::apply([&f](auto&... parts) { (f(parts), ...); }, key);
  }
}

/// The most bytes that `key` takes.
template <class K>
std::size_t key_bytes_max(const K& key) {
  constexpr TypeKind kKind = kTypeKind<K>;
  if constexpr (kIsNumberKey<K>) {
    return sizeof(key_number(key));
  } else if constexpr (kIsStringKey<K>) {
    return 2 * key.size() + 1;
  } else if constexpr (kKind == TypeKind::kOptional) {
    return 1 + (key.has_value() ? key_bytes_max(*key) : 0);
  } else if constexpr (kKind == TypeKind::kVariant) {
    return 1 + std::visit([](const auto& held) { return key_bytes_max(held); }, key);
  } else if constexpr (kKind == TypeKind::kUnit) {
    return 0;
  } else {
    std::size_t sum = 0;
    for_each_part(key, [&sum](const auto& part) { sum += key_bytes_max(part); });
    return sum;
  }
}

// Whether one of the eight bytes is 0 or 1.
constexpr bool has_escaped_byte(std::uint64_t word) {
  return ((word - 0x0202020202020202U) & ~word & 0x8080808080808080U) != 0;
}

inline char* put_key_string(char* out, std::string_view bytes) {
  const char* in = bytes.data();
  const char* const end = in + bytes.size();
  // Eight at a time while none of them is 0 or 1.
  for (; end - in >= 8; in += 8, out += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, in, 8);
    if (has_escaped_byte(word)) {
      break;
    }
    std::memcpy(out, &word, 8);
  }
  for (; in != end; ++in) {
    const auto byte = static_cast<unsigned char>(*in);
    if (byte <= 1) [[unlikely]] {
      *out++ = 1;
      *out++ = static_cast<char>(byte + 1);
    } else {
      *out++ = *in;
    }
  }
  *out++ = 0;
  return out;
}

/// Writes the encoded key and returns its end.
template <class K>
char* put_key(char* out, const K& key) {
  constexpr TypeKind kKind = kTypeKind<K>;
  if constexpr (kIsNumberKey<K>) {
    const auto bits = big_endian(ordered_bits(key_number(key)));
    std::memcpy(out, &bits, sizeof(bits));
    return out + sizeof(bits);
  } else if constexpr (kIsStringKey<K>) {
    return put_key_string(out, key);
  } else if constexpr (kKind == TypeKind::kOptional) {
    *out = key.has_value() ? 1 : 0;
    return key.has_value() ? put_key(out + 1, *key) : out + 1;
  } else if constexpr (kKind == TypeKind::kVariant) {
    static_assert(std::variant_size_v<K> < 256);
    *out = static_cast<char>(key.index());
    return std::visit([out](const auto& held) { return put_key(out + 1, held); }, key);
  } else {
    if constexpr (kKind != TypeKind::kUnit) {
      for_each_part(key, [&out](const auto& part) { out = put_key(out, part); });
    }
    return out;
  }
}

// Reads an encoded string into a Text or std::string.
std::string unescape_key_string(ByteReader& in);

template <class K>
void get_key(ByteReader& in, TextMaker& text, K& key);

template <class K, std::size_t... Is>
void get_variant_key(ByteReader& in, TextMaker& text, K& key, std::index_sequence<Is...>) {
  const std::size_t index = in.get_u8();
  if (!((index == Is && (get_key(in, text, key.template emplace<Is>()), true)) || ...)) {
    throw DecodeError("unknown alternative of a variant key", in.offset() - 1);
  }
}

template <class K>
void get_key(ByteReader& in, TextMaker& text, K& key) {
  constexpr TypeKind kKind = kTypeKind<K>;
  if constexpr (kIsNumberKey<K>) {
    using Number = decltype(key_number(key));
    decltype(ordered_bits(Number{})) bits{};
    std::memcpy(&bits, in.get_bytes(sizeof(bits)).data(), sizeof(bits));
    const auto number = from_ordered_bits<Number>(big_endian(bits));
    if constexpr (kKind == TypeKind::kTimePoint) {
      key = K(typename K::duration(number));
    } else {
      key = static_cast<K>(number);
    }
  } else if constexpr (kKind == TypeKind::kText) {
    key = text.text(unescape_key_string(in));
  } else if constexpr (kKind == TypeKind::kString) {
    key = unescape_key_string(in);
  } else if constexpr (kKind == TypeKind::kOptional) {
    if (in.get_u8() != 0) {
      get_key(in, text, key.emplace());
    } else {
      key.reset();
    }
  } else if constexpr (kKind == TypeKind::kVariant) {
    get_variant_key(in, text, key, std::make_index_sequence<std::variant_size_v<K>>());
  } else if constexpr (kKind != TypeKind::kUnit) {
    for_each_part(key, [&in, &text](auto& part) { get_key(in, text, part); });
  }
}

/// Calls `f` with the encoded key, which lies on the stack unless it is long.
template <class K, class F>
decltype(auto) with_encoded_key(const K& key, F&& f) {
  constexpr std::size_t kOnStackMax = 256;
  const std::size_t size = key_bytes_max(key);
  if (size <= kOnStackMax) [[likely]] {
    char bytes[kOnStackMax];
    return f(std::string_view(bytes, static_cast<std::size_t>(put_key(bytes, key) - bytes)));
  }
  const auto bytes = std::make_unique_for_overwrite<char[]>(size);
  return f(std::string_view(bytes.get(),
                            static_cast<std::size_t>(put_key(bytes.get(), key) - bytes.get())));
}

template <class K>
std::strong_ordering compare_keys(const K& a, const K& b);

// Part by part: no encoding is the beginning of another, so the first that differs decides.
template <class K, std::size_t... Is>
std::strong_ordering compare_key_parts(const K& a, const K& b, std::index_sequence<Is...>) {
  std::strong_ordering order = std::strong_ordering::equal;
  (void)(((order = compare_keys(std::get<Is>(a), std::get<Is>(b))) == 0) && ...);
  return order;
}

template <class K>
std::strong_ordering compare_keys(const K& a, const K& b) {
  constexpr TypeKind kKind = kTypeKind<K>;
  if constexpr (kIsNumberKey<K>) {
    return ordered_bits(key_number(a)) <=> ordered_bits(key_number(b));
  } else if constexpr (kIsStringKey<K>) {
    return std::string_view(a) <=> std::string_view(b);
  } else if constexpr (kKind == TypeKind::kOptional) {
    return a.has_value() && b.has_value() ? compare_keys(*a, *b) : a.has_value() <=> b.has_value();
  } else if constexpr (kKind == TypeKind::kRecord) {
    std::strong_ordering order = std::strong_ordering::equal;
    (void)kRecordDescription<K>.all_of(a, b, [&order](const auto& left, const auto& right) {
      order = compare_keys(left, right);
      return order == 0;
    });
    return order;
  } else if constexpr (kKind == TypeKind::kTuple) {
    return compare_key_parts(a, b, std::make_index_sequence<std::tuple_size_v<K>>());
  } else {
    return with_encoded_key(a, [&b](std::string_view left) {
      return with_encoded_key(b, [left](std::string_view right) { return left <=> right; });
    });
  }
}

}  // namespace detail
}  // namespace weir
