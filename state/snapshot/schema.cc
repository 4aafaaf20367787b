// SPDX-License-Identifier: Apache-2.0
// Schema: read by recursive descent, and compared.
#include "state/snapshot/schema.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "types/type_info.h"

namespace weir {
namespace {

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
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

std::string Schema::difference_from(const Schema& earlier) const {
  return difference_from(earlier, "");
}

std::string Schema::difference_from(const Schema& earlier, const std::string& path) const {
  const std::string at = path.empty() ? "" : path + ": ";
  const bool same_name = kind_ != TypeKind::kCustom || name_ == earlier.name_;
  if (kind_ != earlier.kind_ || numerator_ != earlier.numerator_ ||
      denominator_ != earlier.denominator_ || !same_name) {
    return at + text_ + ", was " + earlier.text_;
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
    const std::size_t start = position;
    ok = ok && depth < kDepthMax;
    if (ok) {
      read_type(schema, depth);
      schema.text_ = text.substr(start, position - start);
    }
    return schema;
  }

  void read_type(Schema& schema, int depth) {
    const bool is_quoted = position < text.size() && text[position] == '"';
    schema.name_ = name();
    if (take('{')) {
      schema.kind_ = TypeKind::kRecord;
      fields(schema, depth);
      return;
    }
    schema.kind_ = is_quoted ? TypeKind::kUnsupported : kind_named(schema.name_);
    ok = schema.kind_ != TypeKind::kUnsupported;
    schema.name_.clear();
    if (ok && !is_simple(schema.kind_)) {
      list(schema, depth);
    }
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
      ok = ok && schema.numerator_ >= 0;
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
