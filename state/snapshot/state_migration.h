// SPDX-License-Identifier: Apache-2.0
// StateMigration: whether and how the entries of a stored state become entries of a state of now.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "core/state_table.h"
#include "state/snapshot/schema_migration.h"

namespace weir {

/// Made for each state that is restored, by every backend; values go through `value` on their way
/// from a snapshot to a table. Keys and what is part of them never change. A time-to-live may come,
/// go and change: what was stored without gets the time of the restore as that of its last update.
///
/// Thread: any, one at a time.
class StateMigration {
 public:
  StateMigration(const StateDescriptor& now, const StateDescriptor& then);

  /// Why entries stored as `then` cannot become entries of `now`, as far as their schemas tell:
  /// "value amount: string, was int64". Empty if they can.
  const std::string& refusal() const { return refusal_; }
  /// What changes in the values.
  const std::vector<SchemaChange>& changes() const { return changes_; }
  /// Ok if `value` may be called: nothing is refused and `now` has what new fields begin as.
  ///
  /// Errors: failed precondition with the reason.
  Status check() const;

  /// A stored value in the schema of now. Valid until the next call.
  ///
  /// Errors: DecodeError. Requires: check() is ok.
  ByteView value(ByteView stored) {
    if (!values_ && times_ == Times::kStay) [[likely]] {
      return stored;
    }
    return migrate(stored);
  }

 private:
  void compare(const StateDescriptor& now, const StateDescriptor& then);
  void compare_values(Schema now, Schema then, const TypeInfo* type);
  ByteView migrate(ByteView stored);

  // The times in front of the values of a state with a time-to-live.
  enum class Times { kStay, kAppear, kVanish };
  StateKind kind_ = StateKind::kValue;
  bool had_times_ = false;
  Times times_ = Times::kStay;
  std::string refusal_;
  std::vector<SchemaChange> changes_;
  std::string field_without_default_;
  // Empty where bytes stay as they are.
  std::optional<SchemaMigration> values_;
  ByteWriter migrated_;
};

}  // namespace weir
