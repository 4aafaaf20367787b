// SPDX-License-Identifier: Apache-2.0
// Schema: what a stored value looks like, read from its text and compared with another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "types/type_kind.h"

namespace weir {

/// The names and types of a value, without the type. types/schema.h writes the text form.
///
/// Thread: a value.
class Schema {
 public:
  /// Errors: kInvalidArgument with the position.
  static Result<Schema> parse(std::string_view text);

  /// The text it was read from.
  const std::string& text() const { return text_; }

  /// As in TypeInfo; text and strings are both kString.
  TypeKind kind() const { return kind_; }
  /// Of a record, enum or custom type.
  const std::string& name() const { return name_; }
  std::int64_t numerator() const { return numerator_; }
  std::int64_t denominator() const { return denominator_; }
  /// Parts; of a record its fields, with their names.
  const std::vector<Schema>& parts() const { return parts_; }
  const std::vector<std::string>& field_names() const { return field_names_; }

  /// Says where two schemas first differ, "amount: double, was float"; empty where they do not.
  /// Names of records and enums may differ: nothing that is stored depends on them.
  std::string difference_from(const Schema& earlier) const;

 private:
  struct Parser;
  std::string difference_from(const Schema& earlier, const std::string& path) const;

  TypeKind kind_ = TypeKind::kUnsupported;
  // Of a record, enum or custom type.
  std::string name_;
  std::string text_;
  // As in TypeInfo.
  std::int64_t numerator_ = 0;
  std::int64_t denominator_ = 1;
  // Parts; of a record its fields.
  std::vector<Schema> parts_;
  std::vector<std::string> field_names_;
};

}  // namespace weir
