// SPDX-License-Identifier: Apache-2.0
// The compact binary codec of described types, for the network and for snapshots.
//
// Integers of more than a byte are varints (signed ones zigzag), floats their bits in little
// endian, text a varint length and its bytes, times and durations integers, enums their underlying
// integer. An optional is a byte 0, or 1 and the value; a variant its index as a varint and the
// value; vectors and maps a varint count and the elements; records, pairs, tuples and arrays their
// parts one after the other. What has no parts takes one byte 0, so that no value is empty.
#pragma once

#include <bit>
#include <limits>

#include "types/type_kind.h"

namespace weir {
namespace detail {

/// Asserts that T can be encoded, with our sentence in front of what the compiler says.
template <class T>
constexpr void check_describable() {
  static_assert(Describable<T>,
                "weir: this type has no description: describe it with WEIR_RECORD(Type, field, "
                "...) beside it, use a supported type (std::array for a C array, std::map for an "
                "unordered_map), or specialise weir::Serializer<Type>");
}

template <class T>
using EnumInteger = std::underlying_type_t<T>;

template <class T>
void encode_value(ByteWriter& out, const T& value);
template <class T>
void decode_value(ByteReader& in, TextMaker& text, T& value);

template <class T>
void encode_integer(ByteWriter& out, T value) {
  if constexpr (sizeof(T) == 1) {
    out.put_u8(static_cast<std::uint8_t>(value));
  } else if constexpr (std::is_signed_v<T>) {
    out.put_zigzag(value);
  } else {
    out.put_varint64(value);
  }
}

template <class T>
T decode_integer(ByteReader& in) {
  if constexpr (sizeof(T) == 1) {
    return static_cast<T>(in.get_u8());
  } else {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    const std::size_t offset = in.offset();
    Wide wide;
    if constexpr (std::is_signed_v<T>) {
      wide = in.get_zigzag();
    } else {
      wide = in.get_varint64();
    }
    if (wide < Wide{std::numeric_limits<T>::min()} || wide > Wide{std::numeric_limits<T>::max()}) {
      throw DecodeError("number out of range", offset);
    }
    return static_cast<T>(wide);
  }
}

inline bool decode_flag(ByteReader& in) {
  const std::uint8_t flag = in.get_u8();
  if (flag > 1) {
    throw DecodeError("expected 0 or 1", in.offset() - 1);
  }
  return flag == 1;
}

inline void decode_empty(ByteReader& in) {
  if (in.get_u8() != 0) {
    throw DecodeError("expected 0", in.offset() - 1);
  }
}

template <class T>
void encode_parts(ByteWriter& out, const T& value) {
  constexpr TypeKind kKind = kTypeKind<T>;
  if constexpr (kKind == TypeKind::kRecord) {
    kRecordDescription<T>.for_each_field(value,
                                         [&out](const auto& field) { encode_value(out, field); });
  } else if constexpr (kKind == TypeKind::kTuple) {
    std::apply([&out](const auto&... parts) { (encode_value(out, parts), ...); }, value);
  } else {
    for (const auto& element : value) {
      encode_value(out, element);
    }
  }
}

template <class T>
constexpr bool has_no_parts() {
  if constexpr (kTypeKind<T> == TypeKind::kRecord) {
    return kRecordDescription<T>.kNumFields == 0;
  } else {
    return std::tuple_size_v<T> == 0;
  }
}

template <class T>
void encode_value(ByteWriter& out, const T& value) {
  constexpr TypeKind kKind = kTypeKind<T>;
  if constexpr (!Describable<T>) {
    check_describable<T>();
  } else if constexpr (kKind == TypeKind::kCustom) {
    Serializer<T>::encode(out, value);
  } else if constexpr (kKind == TypeKind::kFloat) {
    out.put_float(value);
  } else if constexpr (kKind == TypeKind::kDouble) {
    out.put_double(value);
  } else if constexpr (std::is_integral_v<T>) {
    encode_integer(out, value);
  } else if constexpr (kKind == TypeKind::kString || kKind == TypeKind::kText) {
    out.put_string(value);
  } else if constexpr (kKind == TypeKind::kEventTime || kKind == TypeKind::kProcessingTime) {
    out.put_zigzag(value.millis());
  } else if constexpr (kKind == TypeKind::kDuration) {
    encode_value(out, value.count());
  } else if constexpr (kKind == TypeKind::kTimePoint) {
    encode_value(out, value.time_since_epoch().count());
  } else if constexpr (kKind == TypeKind::kEnum) {
    encode_value(out, static_cast<EnumInteger<T>>(value));
  } else if constexpr (kKind == TypeKind::kUnit) {
    out.put_u8(0);
  } else if constexpr (kKind == TypeKind::kOptional) {
    out.put_u8(value.has_value() ? 1 : 0);
    if (value.has_value()) {
      encode_value(out, *value);
    }
  } else if constexpr (kKind == TypeKind::kVariant) {
    out.put_varint64(value.index());
    std::visit([&out](const auto& held) { encode_value(out, held); }, value);
  } else if constexpr (kKind == TypeKind::kVector) {
    out.put_varint64(value.size());
    encode_parts(out, value);
  } else if constexpr (kKind == TypeKind::kMap) {
    out.put_varint64(value.size());
    for (const auto& [key, held] : value) {
      encode_value(out, key);
      encode_value(out, held);
    }
  } else if constexpr (has_no_parts<T>()) {
    out.put_u8(0);
  } else {
    encode_parts(out, value);
  }
}

template <class T, std::size_t... Is>
void decode_variant(ByteReader& in, TextMaker& text, T& value, std::index_sequence<Is...>) {
  const std::size_t offset = in.offset();
  const std::uint64_t index = in.get_varint64();
  const bool is_known =
      ((index == Is && (decode_value(in, text, value.template emplace<Is>()), true)) || ...);
  if (!is_known) {
    throw DecodeError("unknown alternative of a variant", offset);
  }
}

template <class T>
void decode_vector(ByteReader& in, TextMaker& text, T& value) {
  const std::uint64_t count = in.get_varint64();
  in.need(count);  // every element takes a byte at least
  value.clear();
  value.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    decode_value(in, text, value.emplace_back());
  }
}

template <class T>
void decode_map(ByteReader& in, TextMaker& text, T& value) {
  const std::uint64_t count = in.get_varint64();
  in.need(count);
  value.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    typename T::key_type key{};
    decode_value(in, text, key);
    decode_value(
        in, text,
        value.emplace_hint(value.end(), std::move(key), typename T::mapped_type{})->second);
  }
}

template <class T>
void decode_parts(ByteReader& in, TextMaker& text, T& value) {
  constexpr TypeKind kKind = kTypeKind<T>;
  if constexpr (kKind == TypeKind::kRecord) {
    kRecordDescription<T>.for_each_field(
        value, [&in, &text](auto& field) { decode_value(in, text, field); });
  } else if constexpr (kKind == TypeKind::kTuple) {
    std::apply([&in, &text](auto&... parts) { (decode_value(in, text, parts), ...); }, value);
  } else {
    for (auto& element : value) {
      decode_value(in, text, element);
    }
  }
}

template <class T>
void decode_value(ByteReader& in, TextMaker& text, T& value) {
  constexpr TypeKind kKind = kTypeKind<T>;
  if constexpr (!Describable<T>) {
    check_describable<T>();
  } else if constexpr (kKind == TypeKind::kCustom) {
    value = Serializer<T>::decode(in, text);
  } else if constexpr (kKind == TypeKind::kBool) {
    value = decode_flag(in);
  } else if constexpr (kKind == TypeKind::kFloat) {
    value = in.get_float();
  } else if constexpr (kKind == TypeKind::kDouble) {
    value = in.get_double();
  } else if constexpr (std::is_integral_v<T>) {
    value = decode_integer<T>(in);
  } else if constexpr (kKind == TypeKind::kString) {
    value = in.get_string();
  } else if constexpr (kKind == TypeKind::kText) {
    value = text.text(in.get_string());
  } else if constexpr (kKind == TypeKind::kEventTime || kKind == TypeKind::kProcessingTime) {
    value = T(in.get_zigzag());
  } else if constexpr (kKind == TypeKind::kDuration) {
    typename T::rep count{};
    decode_value(in, text, count);
    value = T(count);
  } else if constexpr (kKind == TypeKind::kTimePoint) {
    typename T::duration since_epoch{};
    decode_value(in, text, since_epoch);
    value = T(since_epoch);
  } else if constexpr (kKind == TypeKind::kEnum) {
    EnumInteger<T> integer{};
    decode_value(in, text, integer);
    value = static_cast<T>(integer);
  } else if constexpr (kKind == TypeKind::kOptional) {
    if (decode_flag(in)) {
      decode_value(in, text, value.emplace());
    } else {
      value.reset();
    }
  } else if constexpr (kKind == TypeKind::kVariant) {
    decode_variant(in, text, value, std::make_index_sequence<std::variant_size_v<T>>());
  } else if constexpr (kKind == TypeKind::kVector) {
    decode_vector(in, text, value);
  } else if constexpr (kKind == TypeKind::kMap) {
    decode_map(in, text, value);
  } else if constexpr (kKind == TypeKind::kUnit) {
    decode_empty(in);
  } else if constexpr (has_no_parts<T>()) {
    decode_empty(in);
  } else {
    decode_parts(in, text, value);
  }
}

}  // namespace detail

template <class T>
void Serializer<T>::encode(ByteWriter& out, const T& value) {
  detail::encode_value(out, value);
}

template <class T>
T Serializer<T>::decode(ByteReader& in, TextMaker& text) {
  if constexpr (Describable<T>) {
    static_assert(std::default_initializable<T>,
                  "weir: a described type is made empty before it is decoded: give it a default "
                  "constructor");
  }
  T value{};
  detail::decode_value(in, text, value);
  return value;
}

}  // namespace weir
