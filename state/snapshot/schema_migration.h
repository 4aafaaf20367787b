// SPDX-License-Identifier: Apache-2.0
// SchemaMigration: turns values stored by an earlier version of a program into its values of now.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "state/snapshot/schema.h"
#include "types/type_info.h"

namespace weir {

/// One thing that differs between two schemas and that a value survives.
struct SchemaChange {
  enum class Kind { kAdded, kRemoved, kWidened, kReordered, kTtl };
  Kind kind;
  std::string path;  ///< the field, "address.city"; of kReordered the record, empty for the outmost
  /// Of what was added or removed; of what was widened, and the time-to-live, what it is now.
  std::string type;
  std::string type_before;  ///< of what was widened, and the time-to-live
  friend bool operator==(const SchemaChange&, const SchemaChange&) = default;
};

/// "added 'address.city' (string)"
std::string to_string(const SchemaChange& change);

/// Made once for two schemas, then applied to values.
///
/// Fields of records, at any depth, are found by name: new ones get what the type's member
/// initialisers give, others are dropped, their order is free. Integers become wider ones of the
/// same sign, float becomes double. Records and enums may have other names. Everything else must be
/// as it was; so must the number of fields in the key of a map, but for new ones.
///
/// Thread: any, one at a time.
class SchemaMigration {
 public:
  /// `type` is what `now` is the schema of; null where there is no program, only its schema.
  SchemaMigration(Schema then, Schema now, const TypeInfo* type);
  ~SchemaMigration();
  SchemaMigration(SchemaMigration&&) noexcept;
  SchemaMigration& operator=(SchemaMigration&&) noexcept;

  /// What stands in the way: "amount: string, was int64".
  const std::vector<std::string>& refusals() const { return refusals_; }
  /// What changes. Empty when bytes stay as they are.
  const std::vector<SchemaChange>& changes() const { return changes_; }
  /// Whether stored bytes must change at all.
  bool changes_bytes() const;
  /// New fields whose default is not known, because `type` was null or cannot be made from nothing.
  const std::vector<std::string>& fields_without_default() const { return without_default_; }

  /// Appends the value in the schema of now.
  ///
  /// Errors: DecodeError. Requires: no refusals, no fields without default.
  void migrate(ByteView stored, ByteWriter& out) const;

 private:
  struct Step;
  struct Plan;
  class Planner;

  std::unique_ptr<Plan> plan_;
  std::vector<std::string> refusals_;
  std::vector<SchemaChange> changes_;
  std::vector<std::string> without_default_;
};

}  // namespace weir
