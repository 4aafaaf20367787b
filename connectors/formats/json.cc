// SPDX-License-Identifier: Apache-2.0
// Writes JSON through TypeInfo, and makes the format.
#include "connectors/formats/json.h"

#include <simdjson.h>

#include <cmath>
#include <utility>

#include "weir/connectors/formats.h"

namespace weir {
namespace detail {
namespace {

std::string own_name(const TypeInfo& type) {
  return std::string(type.name.empty() ? kind_name(type.kind) : type.name);
}

/// Appends `"bytes"` with what JSON wants escaped.
void append_json_string(std::string& out, std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\') [[likely]] {
      continue;
    }
    out.append(bytes, plain, i - plain);
    plain = i + 1;
    out += '\\';
    switch (c) {
      case '"':
      case '\\': out += c; break;
      case '\n': out += 'n'; break;
      case '\r': out += 'r'; break;
      case '\t': out += 't'; break;
      default:
        out += "u00";
        out += kHex[static_cast<unsigned char>(c) >> 4];
        out += kHex[c & 15];
        break;
    }
  }
  out.append(bytes, plain);
  out += '"';
}

// The bytes with U+FFFD for each byte that is not part of valid UTF-8.
std::string repaired(std::string_view bytes) {
  std::string result;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    length = std::min(length, bytes.size() - i);
    if (simdjson::validate_utf8(bytes.data() + i, length)) {
      result.append(bytes, i, length);
      i += length;
    } else {
      result += "\xEF\xBF\xBD";
      ++i;
    }
  }
  return result;
}

class JsonWriter final : public FormatWriter {
 public:
  explicit JsonWriter(const TypeInfo& type) : type_(type) {}

  void write(const void* record, std::string& out) override {
    out_ = &out;
    append(type_, record);
    out += '\n';
  }

 private:
  void append(const TypeInfo& type, const void* value) {
    switch (type.kind) {
      case TypeKind::kString:
      case TypeKind::kText: append_text(load_string(type, value)); break;
      case TypeKind::kBool: *out_ += *static_cast<const bool*>(value) ? "true" : "false"; break;
      case TypeKind::kEnum: append_enum(type, value); break;
      case TypeKind::kUnit: *out_ += "null"; break;
      case TypeKind::kOptional:
        type.access.size(value) == 0 ? void(*out_ += "null")
                                     : append(*type.parts[0], type.access.get(value, 0));
        break;
      case TypeKind::kVariant: {
        const std::size_t index = type.access.size(value);
        *out_ += '{';
        append_json_string(*out_, json_alternative_name(type, index));
        *out_ += ':';
        append(*type.parts[index], type.access.get(value, 0));
        *out_ += '}';
        break;
      }
      case TypeKind::kVector:
      case TypeKind::kArray: append_elements(type, value); break;
      case TypeKind::kMap: append_map(type, value); break;
      case TypeKind::kTuple:
      case TypeKind::kRecord: append_fields(type, value); break;
      default: append_number(type.number_type(), value); break;
    }
  }

  void append_text(std::string_view bytes) {
    if (simdjson::validate_utf8(bytes.data(), bytes.size())) [[likely]] {
      append_json_string(*out_, bytes);
    } else {
      append_json_string(*out_, repaired(bytes));
    }
  }

  void append_number(const TypeInfo& type, const void* value) {
    if (type.is_floating()) {
      const double number = load_floating(type, value);
      if (!std::isfinite(number)) {
        *out_ += std::isnan(number) ? "\"NaN\"" : number < 0 ? "\"-Infinity\"" : "\"Infinity\"";
        return;
      }
    }
    weir::append_number(*out_, type, value);
  }

  void append_enum(const TypeInfo& type, const void* value) {
    if (!type.enum_names.empty()) {
      const std::int64_t number = enum_number(type, value);
      for (const EnumValueName& known : type.enum_names) {
        if (known.value == number) {
          append_json_string(*out_, known.name);
          return;
        }
      }
    }
    append_number(type.number_type(), value);
  }

  void append_elements(const TypeInfo& type, const void* value) {
    *out_ += '[';
    const std::size_t size = type.access.size(value);
    for (std::size_t i = 0; i < size; ++i) {
      if (i != 0) {
        *out_ += ',';
      }
      append(*type.parts[0], type.access.get(value, i));
    }
    *out_ += ']';
  }

  void append_fields(const TypeInfo& type, const void* value) {
    const bool is_record = type.kind == TypeKind::kRecord;
    *out_ += is_record ? '{' : '[';
    for (const FieldInfo& field : type.fields) {
      if (&field != type.fields.data()) {
        *out_ += ',';
      }
      if (is_record) {
        append_json_string(*out_, field.name);
        *out_ += ':';
      }
      append(*field.type, static_cast<const char*>(value) + field.offset);
    }
    *out_ += is_record ? '}' : ']';
  }

  void append_map(const TypeInfo& type, const void* value) {
    struct Context {
      JsonWriter& writer;
      const TypeInfo& type;
      bool is_object;
      bool is_first;
    } context{*this, type, is_json_name(*type.parts[0]), true};
    *out_ += context.is_object ? '{' : '[';
    const auto append_entry = [](void* raw, const void* key, const void* held) {
      auto& entry = *static_cast<Context*>(raw);
      std::string& out = *entry.writer.out_;
      const TypeInfo& key_type = *entry.type.parts[0];
      if (!std::exchange(entry.is_first, false)) {
        out += ',';
      }
      if (entry.is_object) {
        const std::size_t start = out.size();
        entry.writer.append(key_type, key);
        if (out[start] != '"') {
          out.insert(start, 1, '"');
          out += '"';
        }
        out += ':';
        entry.writer.append(*entry.type.parts[1], held);
      } else {
        out += '[';
        entry.writer.append(key_type, key);
        out += ',';
        entry.writer.append(*entry.type.parts[1], held);
        out += ']';
      }
    };
    type.access.each(value, append_entry, &context);
    *out_ += context.is_object ? '}' : ']';
  }

  // Constant.
  const TypeInfo& type_;
  // Of the record being written.
  std::string* out_ = nullptr;
};

class JsonFactory final : public FormatFactory {
 public:
  std::string mistake(const TypeInfo& type) const override {
    if (type.kind == TypeKind::kCustom) {
      return "json() cannot hold a " + std::string(type.name) +
             ": it has a serializer of its own; describe it with WEIR_RECORD or convert it";
    }
    for (const TypeInfo* part : type.parts) {
      if (std::string found = mistake(*part); !found.empty()) {
        return found;
      }
    }
    for (const FieldInfo& field : type.fields) {
      if (std::string found = mistake(*field.type); !found.empty()) {
        return found;
      }
    }
    return "";
  }
  std::unique_ptr<FormatReader> make_reader(const TypeInfo& type) const override {
    return make_json_reader(type);
  }
  std::unique_ptr<FormatWriter> make_writer(const TypeInfo& type) const override {
    return make_json_writer(type);
  }
};

}  // namespace

bool is_json_name(const TypeInfo& type) {
  return type.is_string() || type.is_integer() || type.kind == TypeKind::kEnum;
}

std::string json_alternative_name(const TypeInfo& variant, std::size_t index) {
  std::string name = own_name(*variant.parts[index]);
  for (std::size_t i = 0; i < variant.parts.size(); ++i) {
    if (i != index && own_name(*variant.parts[i]) == name) {
      return std::to_string(index);
    }
  }
  return name;
}

std::unique_ptr<FormatWriter> make_json_writer(const TypeInfo& type) {
  return std::make_unique<JsonWriter>(type);
}

}  // namespace detail

AnyFormat json() { return std::make_shared<detail::JsonFactory>(); }

}  // namespace weir
