// SPDX-License-Identifier: Apache-2.0
// Schema: from types, to text, from text, and compared.
#include "core/schema.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace weir {
namespace {

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void append_name(std::string& out, std::string_view name) {
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_word_character)) {
    out += name;
    return;
  }
  out += '"';
  for (const char c : name) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  out += '"';
}

// The inverse of kind_name, but for records, which go by their own names.
TypeKind kind_named(std::string_view name) {
  for (int kind = 1; kind <= static_cast<int>(TypeKind::kCustom); ++kind) {
    if (kind_name(static_cast<TypeKind>(kind)) == name) {
      return static_cast<TypeKind>(kind);
    }
  }
  return TypeKind::kUnsupported;
}

bool is_simple(TypeKind kind) {
  return kind <= TypeKind::kProcessingTime || kind == TypeKind::kUnit;
}

}  // namespace

Schema Schema::of(const TypeInfo& type) {
  Schema schema;
  schema.kind_ = type.kind == TypeKind::kText ? TypeKind::kString : type.kind;
  schema.name_ = type.name;
  schema.numerator_ = type.numerator;
  schema.denominator_ = type.denominator;
  for (const TypeInfo* part : type.parts) {
    schema.parts_.push_back(of(*part));
  }
  for (const FieldInfo& field : type.fields) {
    schema.parts_.push_back(of(*field.type));
    if (type.kind == TypeKind::kRecord) {
      schema.field_names_.emplace_back(field.name);
    }
  }
  return schema;
}

std::string Schema::to_string() const {
  std::string text;
  append_to(text);
  return text;
}

void Schema::append_to(std::string& out) const {
  const bool is_record = kind_ == TypeKind::kRecord;
  if (is_record) {
    append_name(out, name_);
  } else {
    out += kind_name(kind_);
    if (is_simple(kind_)) {
      return;
    }
  }
  out += is_record ? '{' : '<';
  std::string_view separator;
  if (kind_ == TypeKind::kEnum || kind_ == TypeKind::kCustom) {
    append_name(out, name_);
    separator = ",";
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    out += separator;
    separator = ",";
    if (is_record) {
      append_name(out, field_names_[i]);
      out += ':';
    }
    parts_[i].append_to(out);
  }
  if (kind_ == TypeKind::kArray || kind_ == TypeKind::kDuration) {
    out += ',' + std::to_string(numerator_);
  }
  if (kind_ == TypeKind::kDuration) {
    out += '/' + std::to_string(denominator_);
  }
  out += is_record ? '}' : '>';
}

std::string Schema::difference_from(const Schema& earlier) const {
  return difference_from(earlier, "");
}

std::string Schema::difference_from(const Schema& earlier, const std::string& path) const {
  const std::string at = path.empty() ? "" : path + ": ";
  const bool same_name = kind_ != TypeKind::kCustom || name_ == earlier.name_;
  if (kind_ != earlier.kind_ || numerator_ != earlier.numerator_ ||
      denominator_ != earlier.denominator_ || !same_name) {
    return at + to_string() + ", was " + earlier.to_string();
  }
  for (std::size_t i = 0; i < std::min(parts_.size(), earlier.parts_.size()); ++i) {
    std::string part = std::to_string(i);
    if (kind_ == TypeKind::kRecord) {
      part = field_names_[i];
      if (part != earlier.field_names_[i]) {
        return at + "field '" + part + "', was '" + earlier.field_names_[i] + "'";
      }
    }
    std::string found =
        parts_[i].difference_from(earlier.parts_[i], path.empty() ? part : path + "." + part);
    if (!found.empty()) {
      return found;
    }
  }
  if (parts_.size() != earlier.parts_.size()) {
    return at + std::to_string(parts_.size()) + " parts, was " +
           std::to_string(earlier.parts_.size());
  }
  return "";
}

/// Reads the text form by recursive descent. Fails by leaving `ok` false at `position`.
struct Schema::Parser {
  static constexpr int kDepthMax = 64;

  std::string_view text;
  std::size_t position = 0;
  bool ok = true;

  bool take(char c) {
    if (position < text.size() && text[position] == c) {
      ++position;
      return true;
    }
    return false;
  }
  void expect(char c) { ok = ok && take(c); }

  std::string name() {
    std::string result;
    if (take('"')) {
      while (position < text.size() && text[position] != '"') {
        position += text[position] == '\\' ? 1 : 0;
        if (position < text.size()) {
          result += text[position++];
        }
      }
      expect('"');
      return result;
    }
    while (position < text.size() && is_word_character(text[position])) {
      result += text[position++];
    }
    ok = ok && !result.empty();
    return result;
  }

  std::int64_t number() {
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(text.data() + position, text.data() + text.size(), value);
    ok = ok && error == std::errc();
    position = static_cast<std::size_t>(end - text.data());
    return value;
  }

  Schema type(int depth) {
    Schema schema;
    ok = ok && depth < kDepthMax;
    if (!ok) {
      return schema;
    }
    const bool is_quoted = position < text.size() && text[position] == '"';
    schema.name_ = name();
    if (take('{')) {
      schema.kind_ = TypeKind::kRecord;
      fields(schema, depth);
      return schema;
    }
    schema.kind_ = is_quoted ? TypeKind::kUnsupported : kind_named(schema.name_);
    ok = schema.kind_ != TypeKind::kUnsupported;
    schema.name_.clear();
    if (ok && !is_simple(schema.kind_)) {
      list(schema, depth);
    }
    return schema;
  }

  void fields(Schema& schema, int depth) {
    while (ok && !take('}')) {
      if (!schema.parts_.empty()) {
        expect(',');
      }
      schema.field_names_.push_back(name());
      expect(':');
      schema.parts_.push_back(type(depth + 1));
    }
  }

  void list(Schema& schema, int depth) {
    const TypeKind kind = schema.kind_;
    expect('<');
    bool is_first = true;
    if (kind == TypeKind::kEnum || kind == TypeKind::kCustom) {
      schema.name_ = name();
      is_first = false;
    }
    const std::optional<std::size_t> parts = part_count(kind);
    while (ok && parts.value_or(SIZE_MAX) > schema.parts_.size() && !at_end_of_list()) {
      if (!is_first) {
        expect(',');
      }
      is_first = false;
      schema.parts_.push_back(type(depth + 1));
    }
    ok = ok && schema.parts_.size() == parts.value_or(schema.parts_.size());
    if (kind == TypeKind::kArray || kind == TypeKind::kDuration) {
      expect(',');
      schema.numerator_ = number();
    }
    if (kind == TypeKind::kDuration) {
      expect('/');
      schema.denominator_ = number();
    }
    expect('>');
  }

  bool at_end_of_list() const { return position < text.size() && text[position] == '>'; }

  static std::optional<std::size_t> part_count(TypeKind kind) {
    switch (kind) {
      case TypeKind::kCustom: return 0;
      case TypeKind::kMap: return 2;
      case TypeKind::kVariant:
      case TypeKind::kTuple: return std::nullopt;
      default: return 1;
    }
  }
};

Result<Schema> Schema::parse(std::string_view text) {
  Parser parser{text};
  Schema schema = parser.type(0);
  if (!parser.ok || parser.position != text.size()) {
    return invalid_argument("schema is malformed: position=" + std::to_string(parser.position) +
                            " text=" + std::string(text.substr(0, 200)));
  }
  return schema;
}

}  // namespace weir
