// SPDX-License-Identifier: Apache-2.0
// The other side of types/serializer.h, for schemas in place of types.
#include "state/snapshot/stored_value.h"

#include <limits>

namespace weir {
namespace {

std::int64_t checked(std::int64_t number, std::int64_t min, std::int64_t max, std::size_t offset) {
  if (number < min || number > max) {
    throw DecodeError("number out of range", offset);
  }
  return number;
}

template <class T>
std::int64_t checked_as(std::int64_t number, std::size_t offset) {
  return checked(number, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), offset);
}

void skip_map(const Schema& schema, ByteReader& in, const CustomSkips& customs) {
  for (std::uint64_t left = get_count(in); left > 0; --left) {
    skip_value(schema.parts()[0], in, customs);
    skip_value(schema.parts()[1], in, customs);
  }
}

// Of an array, tuple or record.
void skip_parts(const Schema& schema, ByteReader& in, const CustomSkips& customs) {
  if (is_empty_shape(schema)) {
    get_empty(in);
  } else if (schema.kind() == TypeKind::kArray) {
    for (std::int64_t left = schema.numerator(); left > 0; --left) {
      skip_value(schema.parts()[0], in, customs);
    }
  } else {
    for (const Schema& part : schema.parts()) {
      skip_value(part, in, customs);
    }
  }
}

void skip_custom(const Schema& schema, ByteReader& in, const CustomSkips& customs) {
  const auto known = customs.find(schema.name());
  if (known == customs.end()) {
    throw DecodeError(
        "a value of type '" + schema.name() + "', whose form only its own program knows",
        in.offset());
  }
  known->second(in);
}

}  // namespace

std::int64_t get_signed(TypeKind kind, ByteReader& in) {
  const std::size_t offset = in.offset();
  switch (kind) {
    case TypeKind::kInt8: return static_cast<std::int8_t>(in.get_u8());
    case TypeKind::kInt16: return checked_as<std::int16_t>(in.get_zigzag(), offset);
    case TypeKind::kInt32: return checked_as<std::int32_t>(in.get_zigzag(), offset);
    default: return in.get_zigzag();  // also the times
  }
}

std::uint64_t get_unsigned(TypeKind kind, ByteReader& in) {
  const std::size_t offset = in.offset();
  const std::uint64_t number = kind == TypeKind::kUint8 ? in.get_u8() : in.get_varint64();
  const bool is_in_range = kind == TypeKind::kUint16   ? number <= UINT16_MAX
                           : kind == TypeKind::kUint32 ? number <= UINT32_MAX
                                                       : true;
  if (!is_in_range) {
    throw DecodeError("number out of range", offset);
  }
  return number;
}

bool get_flag(ByteReader& in) {
  const std::uint8_t flag = in.get_u8();
  if (flag > 1) {
    throw DecodeError("expected 0 or 1", in.offset() - 1);
  }
  return flag == 1;
}

void get_empty(ByteReader& in) {
  if (in.get_u8() != 0) {
    throw DecodeError("expected 0", in.offset() - 1);
  }
}

std::size_t get_alternative(const Schema& variant, ByteReader& in) {
  const std::size_t offset = in.offset();
  const std::uint64_t index = in.get_varint64();
  if (index >= variant.parts().size()) {
    throw DecodeError("unknown alternative of a variant", offset);
  }
  return static_cast<std::size_t>(index);
}

std::uint64_t get_count(ByteReader& in) {
  const std::uint64_t count = in.get_varint64();
  in.need(count);
  return count;
}

bool is_empty_shape(const Schema& schema) {
  return schema.kind() == TypeKind::kArray ? schema.numerator() == 0 : schema.parts().empty();
}

void skip_value(const Schema& schema, ByteReader& in, const CustomSkips& customs) {
  switch (schema.kind()) {
    case TypeKind::kBool: (void)get_flag(in); return;
    case TypeKind::kInt8:
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kEventTime:
    case TypeKind::kProcessingTime: (void)get_signed(schema.kind(), in); return;
    case TypeKind::kUint8:
    case TypeKind::kUint16:
    case TypeKind::kUint32:
    case TypeKind::kUint64: (void)get_unsigned(schema.kind(), in); return;
    case TypeKind::kFloat: (void)in.get_float(); return;
    case TypeKind::kDouble: (void)in.get_double(); return;
    case TypeKind::kString:
    case TypeKind::kText: (void)in.get_string(); return;
    case TypeKind::kUnit: get_empty(in); return;
    case TypeKind::kEnum:
    case TypeKind::kDuration:
    case TypeKind::kTimePoint: skip_value(schema.parts()[0], in, customs); return;
    case TypeKind::kOptional:
      if (get_flag(in)) {
        skip_value(schema.parts()[0], in, customs);
      }
      return;
    case TypeKind::kVariant:
      skip_value(schema.parts()[get_alternative(schema, in)], in, customs);
      return;
    case TypeKind::kVector:
      for (std::uint64_t left = get_count(in); left > 0; --left) {
        skip_value(schema.parts()[0], in, customs);
      }
      return;
    case TypeKind::kMap: skip_map(schema, in, customs); return;
    case TypeKind::kArray:
    case TypeKind::kTuple:
    case TypeKind::kRecord: skip_parts(schema, in, customs); return;
    case TypeKind::kCustom: skip_custom(schema, in, customs); return;
    case TypeKind::kUnsupported: break;
  }
  throw DecodeError("a value without a type", in.offset());
}

}  // namespace weir
