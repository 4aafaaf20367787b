// SPDX-License-Identifier: Apache-2.0
// Writes schemas.
#include "types/schema.h"

#include <algorithm>

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

void append(std::string& out, const TypeInfo& type) {
  const bool is_record = type.kind == TypeKind::kRecord;
  if (is_record) {
    append_name(out, type.name);
  } else {
    out += kind_name(type.kind);
    if (type.kind <= TypeKind::kProcessingTime || type.kind == TypeKind::kUnit) {
      return;
    }
  }
  out += is_record ? '{' : '<';
  std::string_view separator;
  if (!is_record && !type.name.empty()) {
    append_name(out, type.name);
    separator = ",";
  }
  for (const TypeInfo* part : type.parts) {
    out += separator;
    separator = ",";
    append(out, *part);
  }
  for (const FieldInfo& field : type.fields) {
    out += separator;
    separator = ",";
    if (is_record) {
      append_name(out, field.name);
      out += ':';
    }
    append(out, *field.type);
  }
  if (type.kind == TypeKind::kArray || type.kind == TypeKind::kDuration) {
    out += ',' + std::to_string(type.numerator);
  }
  if (type.kind == TypeKind::kDuration) {
    out += '/' + std::to_string(type.denominator);
  }
  out += is_record ? '}' : '>';
}

}  // namespace

std::string schema_text(const TypeInfo& type) {
  std::string text;
  append(text, type);
  return text;
}

}  // namespace weir
