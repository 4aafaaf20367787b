// SPDX-License-Identifier: Apache-2.0
// Schema: the names and types of a value as text, stored in job graphs and snapshots.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "core/type_info.h"

namespace weir {

/// What a type looks like from outside, without the type.
///
/// The text form is stable and part of stored formats:
///
///   type    = simple | enum | record | list
///   simple  = bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float double string
///             event_time processing_time unit
///   enum    = enum<Name,type>
///   record  = Name{field:type,...}
///   list    = optional<type> variant<type,...> tuple<type,...> vector<type> map<type,type>
///             array<type,count> duration<type,num/den> time_point<type> custom<Name>
///
/// A name that is more than letters, digits and underscores stands in quotes. Text and std::string
/// are both `string`: they are encoded alike.
///
/// Thread: a value.
class Schema {
 public:
  static Schema of(const TypeInfo& type);
  template <class T>
  static Schema of() {
    return of(type_info<T>());
  }

  /// Reads the text form. Errors: kInvalidArgument with the position.
  static Result<Schema> parse(std::string_view text);
  std::string to_string() const;

  /// Says where two schemas first differ, "amount: double, was float"; empty where they do not.
  /// Names of records and enums may differ: nothing that is stored depends on them.
  std::string difference_from(const Schema& earlier) const;

  friend bool operator==(const Schema&, const Schema&) = default;

 private:
  struct Parser;
  void append_to(std::string& out) const;
  std::string difference_from(const Schema& earlier, const std::string& path) const;

  TypeKind kind_ = TypeKind::kUnsupported;
  // Of a record, enum or custom type.
  std::string name_;
  // As in TypeInfo.
  std::int64_t numerator_ = 0;
  std::int64_t denominator_ = 1;
  // Parts; of a record its fields.
  std::vector<Schema> parts_;
  std::vector<std::string> field_names_;
};

/// Returns the text form of T's schema.
template <class T>
std::string schema_text() {
  return Schema::of<T>().to_string();
}

}  // namespace weir
