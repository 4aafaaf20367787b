// SPDX-License-Identifier: Apache-2.0
// The schema of a type: its names and types as text, stored in job graphs and snapshots.
#pragma once

#include <string>

#include "types/type_info.h"

namespace weir {

/// Returns the schema of a type.
///
/// The form is stable and part of stored formats; state/snapshot/schema.h reads it:
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
std::string schema_text(const TypeInfo& type);

template <class T>
std::string schema_text() {
  return schema_text(type_info<T>());
}

}  // namespace weir
