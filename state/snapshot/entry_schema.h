// SPDX-License-Identifier: Apache-2.0
// EntrySchema: what the bytes of a state's entries are, by the state's kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "core/state_table.h"
#include "state/snapshot/schema.h"

namespace weir {

/// Explains entries without the program that wrote them. docs/FORMATS.md has the table.
///
/// Thread: any, if const.
class EntrySchema {
 public:
  /// One piece of an entry's key: "key", "user_key", "slice", "time" or "number".
  struct KeyPart {
    std::string_view name;
    Schema schema;
  };

  /// A value schema that is no type, as of a connector, is no error: values are then bytes.
  ///
  /// Errors: data loss if the schemas do not fit the kind.
  static Result<EntrySchema> of(const StateDescriptor& descriptor);

  const std::vector<KeyPart>& key_parts() const { return key_parts_; }
  /// Null if entries have no value, or one whose form only the program knows.
  const Schema* value() const { return value_ ? &*value_ : nullptr; }
  bool has_value() const { return has_value_; }

  /// The parts of an entry's key as JSON.
  ///
  /// Errors: data loss if the bytes are something else.
  Result<std::vector<std::string>> key_json(ByteView key) const;
  /// Bytes whose end is not known, and only those, as `{"hex":"..."}`.
  ///
  /// Errors: data loss if the bytes are something else.
  Result<std::string> value_json(ByteView value) const;
  /// Whether entries say when they were last updated, because the state has a time-to-live.
  bool has_times() const { return has_times_; }
  /// When the entry was last updated, in milliseconds; of a list an array, for each item.
  ///
  /// Errors: data loss if the bytes are something else. Requires: has_times().
  Result<std::string> updated_json(ByteView value) const;
  /// Whether the key is one that can lie under this hash, and the entry what an entry can be.
  ///
  /// Errors: data loss that says what is wrong.
  Status check_key(std::uint32_t hash, ByteView key) const;
  Status check(std::uint32_t hash, ByteView key, ByteView value) const;

 private:
  StateKind kind_ = StateKind::kValue;
  StateDistribution distribution_ = StateDistribution::kKeyed;
  std::vector<KeyPart> key_parts_;
  std::optional<Schema> value_;
  bool has_value_ = true;
  bool has_custom_ = false;  // somewhere in the value
  bool has_times_ = false;
};

}  // namespace weir
