// SPDX-License-Identifier: Apache-2.0
// Two readers, of values and of keys, and one writer.
#include "state/snapshot/value_json.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>

#include "state/snapshot/stored_value.h"
#include "types/key_encoding.h"
#include "types/type_info.h"

namespace weir {
namespace {

// How many bytes the UTF-8 character at the start of `text` takes; 0 if it is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 0 || first > 0xF4 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return 0;
    }
  }
  // Needlessly long, a half of a pair, past the last character.
  const bool is_wrong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0) ||
                        (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90);
  return is_wrong ? 0 : length;
}

void append_hex_digits(std::string& out, unsigned char byte) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

template <class T>
void append_digits(std::string& out, T number) {
  char digits[32];
  out.append(digits, std::to_chars(digits, std::end(digits), number).ptr);
}

template <class T>
void append_floating(std::string& out, T number) {
  if (std::isfinite(number)) {
    append_digits(out, number);
  } else {
    out += std::isnan(number) ? "\"NaN\"" : number < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  }
}

std::string own_name(const Schema& schema) {
  return schema.name().empty() ? std::string(kind_name(schema.kind())) : schema.name();
}

// As the JSON format calls it.
std::string alternative_name(const Schema& variant, std::size_t index) {
  const std::string name = own_name(variant.parts()[index]);
  for (std::size_t i = 0; i < variant.parts().size(); ++i) {
    if (i != index && own_name(variant.parts()[i]) == name) {
      return std::to_string(index);
    }
  }
  return name;
}

bool is_name(const Schema& schema) {
  return schema.kind() == TypeKind::kString || schema.kind() == TypeKind::kEnum ||
         (schema.kind() >= TypeKind::kInt8 && schema.kind() <= TypeKind::kUint64);
}

// Bytes of a key's number, turned so that they are the number's own.
template <class Bits>
Bits get_big_endian(ByteReader& in) {
  Bits bits{};
  std::memcpy(&bits, in.get_bytes(sizeof(bits)).data(), sizeof(bits));
  return detail::big_endian(bits);
}
template <class T>
T get_key_number(ByteReader& in) {
  return detail::from_ordered_bits<T>(get_big_endian<decltype(detail::ordered_bits(T{}))>(in));
}

/// Writes what stands around the parts of a value; `Reader` says how its atoms are stored.
template <class Reader>
class JsonOfStored {
 public:
  JsonOfStored(std::string& out, ByteReader& in) : out_(out), in_(in) {}

  void append(const Schema& schema) {
    switch (schema.kind()) {
      case TypeKind::kEnum:
      case TypeKind::kDuration:
      case TypeKind::kTimePoint: append(schema.parts()[0]); return;
      case TypeKind::kOptional:
        get_flag(in_) ? append(schema.parts()[0]) : void(out_ += "null");
        return;
      case TypeKind::kVariant: append_variant(schema); return;
      case TypeKind::kArray: append_array(schema); return;
      case TypeKind::kTuple: append_parts(schema, '[', ']'); return;
      case TypeKind::kRecord: append_parts(schema, '{', '}'); return;
      case TypeKind::kVector: append_vector(schema); return;
      case TypeKind::kMap: append_map(schema); return;
      default: Reader::append_atom(out_, schema, in_); return;
    }
  }

 private:
  void append_variant(const Schema& schema) {
    const std::size_t offset = in_.offset();
    const std::size_t index = Reader::get_alternative(in_);
    if (index >= schema.parts().size()) {
      throw DecodeError("unknown alternative of a variant", offset);
    }
    out_ += '{';
    append_json_string(out_, alternative_name(schema, index));
    out_ += ':';
    append(schema.parts()[index]);
    out_ += '}';
  }

  void append_array(const Schema& schema) {
    read_if_empty(schema);
    out_ += '[';
    for (std::int64_t i = 0; i < schema.numerator(); ++i) {
      out_ += i == 0 ? "" : ",";
      const std::size_t begin = in_.offset();
      append(schema.parts()[0]);
      // Elements of a key may take no bytes, and their number is only what the schema claims.
      if (in_.offset() == begin && schema.numerator() > kEmptyElementsMax) {
        throw DecodeError("too many elements", begin);
      }
    }
    out_ += ']';
  }

  void append_parts(const Schema& schema, char open, char close) {
    read_if_empty(schema);
    out_ += open;
    for (std::size_t i = 0; i < schema.parts().size(); ++i) {
      out_ += i == 0 ? "" : ",";
      if (schema.kind() == TypeKind::kRecord) {
        append_json_string(out_, schema.field_names()[i]);
        out_ += ':';
      }
      append(schema.parts()[i]);
    }
    out_ += close;
  }

  void append_vector(const Schema& schema) {
    out_ += '[';
    const std::uint64_t count = Reader::get_elements(in_);
    for (std::uint64_t i = 0; i < count; ++i) {
      out_ += i == 0 ? "" : ",";
      append(schema.parts()[0]);
    }
    out_ += ']';
  }

  void append_map(const Schema& schema) {
    const bool is_object = is_name(schema.parts()[0]);
    out_ += is_object ? '{' : '[';
    const std::uint64_t count = Reader::get_elements(in_);
    for (std::uint64_t i = 0; i < count; ++i) {
      out_ += i == 0 ? "" : ",";
      out_ += is_object ? "" : "[";
      const std::size_t start = out_.size();
      append(schema.parts()[0]);
      if (is_object && out_[start] != '"') {
        out_.insert(start, 1, '"');
        out_ += '"';
      }
      out_ += is_object ? ':' : ',';
      append(schema.parts()[1]);
      out_ += is_object ? "" : "]";
    }
    out_ += is_object ? '}' : ']';
  }

  void read_if_empty(const Schema& schema) {
    if (is_empty_shape(schema)) {
      Reader::read_empty(in_);
    }
  }

  static constexpr std::int64_t kEmptyElementsMax = 1000;

  std::string& out_;
  ByteReader& in_;
};

/// As types/serializer.h stores values.
struct ValueReader {
  static std::size_t get_alternative(ByteReader& in) {
    return static_cast<std::size_t>(in.get_varint64());
  }
  static std::uint64_t get_elements(ByteReader& in) { return get_count(in); }
  static void read_empty(ByteReader& in) { get_empty(in); }

  static void append_atom(std::string& out, const Schema& schema, ByteReader& in) {
    switch (schema.kind()) {
      case TypeKind::kBool: out += get_flag(in) ? "true" : "false"; return;
      case TypeKind::kInt8:
      case TypeKind::kInt16:
      case TypeKind::kInt32:
      case TypeKind::kInt64:
      case TypeKind::kEventTime:
      case TypeKind::kProcessingTime: append_digits(out, get_signed(schema.kind(), in)); return;
      case TypeKind::kUint8:
      case TypeKind::kUint16:
      case TypeKind::kUint32:
      case TypeKind::kUint64: append_digits(out, get_unsigned(schema.kind(), in)); return;
      case TypeKind::kFloat: append_floating(out, in.get_float()); return;
      case TypeKind::kDouble: append_floating(out, in.get_double()); return;
      case TypeKind::kString: append_json_string(out, in.get_string()); return;
      case TypeKind::kUnit:
        get_empty(in);
        out += "null";
        return;
      case TypeKind::kCustom: append_json_hex(out, in.get_bytes(in.remaining())); return;
      default: throw DecodeError("a value without a type", in.offset());
    }
  }
};

/// As types/key_encoding.h stores keys.
struct KeyReader {
  static std::size_t get_alternative(ByteReader& in) { return in.get_u8(); }
  static std::uint64_t get_elements(ByteReader& in) {
    throw DecodeError("a key cannot hold a vector or a map", in.offset());
  }
  static void read_empty(ByteReader&) {}

  static void append_atom(std::string& out, const Schema& schema, ByteReader& in) {
    switch (schema.kind()) {
      case TypeKind::kBool: out += get_flag(in) ? "true" : "false"; return;
      case TypeKind::kInt8: append_digits(out, get_key_number<std::int8_t>(in)); return;
      case TypeKind::kInt16: append_digits(out, get_key_number<std::int16_t>(in)); return;
      case TypeKind::kInt32: append_digits(out, get_key_number<std::int32_t>(in)); return;
      case TypeKind::kInt64:
      case TypeKind::kEventTime:
      case TypeKind::kProcessingTime: append_digits(out, get_key_number<std::int64_t>(in)); return;
      case TypeKind::kUint8: append_digits(out, get_key_number<std::uint8_t>(in)); return;
      case TypeKind::kUint16: append_digits(out, get_key_number<std::uint16_t>(in)); return;
      case TypeKind::kUint32: append_digits(out, get_key_number<std::uint32_t>(in)); return;
      case TypeKind::kUint64: append_digits(out, get_key_number<std::uint64_t>(in)); return;
      case TypeKind::kFloat: append_floating(out, get_key_number<float>(in)); return;
      case TypeKind::kDouble: append_floating(out, get_key_number<double>(in)); return;
      case TypeKind::kString: append_json_string(out, detail::unescape_key_string(in)); return;
      case TypeKind::kUnit: out += "null"; return;
      default: throw DecodeError("a type that cannot be a key", in.offset());
    }
  }
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = character_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (length > 1 || (static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\')) {
      out += text.substr(0, length);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else {
      out += "\\u00";
      append_hex_digits(out, static_cast<unsigned char>(c));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void append_json_hex(std::string& out, ByteView bytes) {
  out += "{\"hex\":\"";
  for (const char byte : bytes) {
    append_hex_digits(out, static_cast<unsigned char>(byte));
  }
  out += "\"}";
}

void append_value_json(std::string& out, const Schema& schema, ByteReader& in) {
  JsonOfStored<ValueReader>(out, in).append(schema);
}

void append_key_json(std::string& out, const Schema& schema, ByteReader& in) {
  JsonOfStored<KeyReader>(out, in).append(schema);
}

}  // namespace weir
