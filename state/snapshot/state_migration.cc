// SPDX-License-Identifier: Apache-2.0
// What a state's kind says about which parts of its schemas are keys.
#include "state/snapshot/state_migration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/time_to_live.h"

namespace weir {
namespace {

std::string ttl_text(const StateDescriptor& descriptor) {
  return descriptor.ttl ? to_string(*descriptor.ttl) : "none";
}

}  // namespace

StateMigration::StateMigration(const StateDescriptor& now, const StateDescriptor& then) {
  compare(now, then);
  kind_ = then.kind;
  had_times_ = then.ttl.has_value();
  if (now.ttl.has_value() != then.ttl.has_value()) {
    times_ = now.ttl ? Times::kAppear : Times::kVanish;
  }
  if (now.ttl != then.ttl) {
    changes_.push_back({SchemaChange::Kind::kTtl, "", ttl_text(now), ttl_text(then)});
  }
}

ByteView StateMigration::migrate(ByteView stored) {
  ByteView rest = stored;
  if (had_times_) {
    ByteReader in(stored);
    static_cast<void>(get_update_times(kind_, in));
    rest = stored.substr(in.offset());
  }
  migrated_.clear();
  if (times_ == Times::kAppear && kind_ == StateKind::kList) {
    const std::uint64_t items = ByteReader(rest).get_varint64();
    put_item_times(migrated_, std::vector(static_cast<std::size_t>(std::min<std::uint64_t>(
                                              std::max<std::uint64_t>(items, 1), rest.size())),
                                          ProcessingTime::none()));
  } else if (times_ == Times::kAppear) {
    put_update_time(migrated_, ProcessingTime::none());
  } else if (times_ == Times::kStay) {
    migrated_.put_bytes(stored.substr(0, stored.size() - rest.size()));
  }
  if (values_) {
    values_->migrate(rest, migrated_);
  } else {
    migrated_.put_bytes(rest);
  }
  return migrated_.view();
}

Status StateMigration::check() const {
  if (!refusal_.empty()) {
    return failed_precondition(refusal_);
  }
  if (!field_without_default_.empty()) {
    return failed_precondition(fmt::format(
        "value {}: it is new, and what it begins as is not known", field_without_default_));
  }
  return Status::ok();
}

void StateMigration::compare(const StateDescriptor& now, const StateDescriptor& then) {
  if (now.kind != then.kind) {
    refusal_ = fmt::format("its kind is {}, was {}", to_string(now.kind), to_string(then.kind));
    return;
  }
  if (now.distribution != then.distribution) {
    refusal_ =
        fmt::format("it is {}, was {}", to_string(now.distribution), to_string(then.distribution));
    return;
  }
  if (now.key_schema != then.key_schema) {
    const Result<Schema> key_now = Schema::parse(now.key_schema);
    const Result<Schema> key_then = Schema::parse(then.key_schema);
    const std::string difference =
        key_now.is_ok() && key_then.is_ok()
            ? key_now->difference_from(*key_then)
            : fmt::format("'{}', was '{}'", now.key_schema, then.key_schema);
    if (!difference.empty()) {
      refusal_ = "key " + difference;
      return;
    }
  }
  if (now.value_schema == then.value_schema) {
    return;
  }
  Result<Schema> value_now = Schema::parse(now.value_schema);
  Result<Schema> value_then = Schema::parse(then.value_schema);
  if (!value_now.is_ok() || !value_then.is_ok()) {
    refusal_ = fmt::format("value '{}', was '{}'", now.value_schema, then.value_schema);
    return;
  }
  // What stands in the entries' keys is a key too.
  const bool are_maps = value_now->kind() == TypeKind::kMap && value_then->kind() == TypeKind::kMap;
  if (now.kind == StateKind::kTimers) {
    const std::string difference = value_now->difference_from(*value_then);
    refusal_ = difference.empty() ? "" : "time " + difference;
  } else if (now.kind == StateKind::kMap && are_maps) {
    const std::string difference = value_now->parts()[0].difference_from(value_then->parts()[0]);
    refusal_ = difference.empty() ? "" : "user key " + difference;
    compare_values(value_now->parts()[1], value_then->parts()[1],
                   now.value_type == nullptr ? nullptr : now.value_type->parts[1]);
  } else {
    compare_values(*std::move(value_now), *std::move(value_then), now.value_type);
  }
}

void StateMigration::compare_values(Schema now, Schema then, const TypeInfo* type) {
  SchemaMigration values(std::move(then), std::move(now), type);
  if (!values.refusals().empty() && refusal_.empty()) {
    refusal_ = fmt::format("value {}", fmt::join(values.refusals(), "; "));
  }
  if (!values.fields_without_default().empty()) {
    field_without_default_ = values.fields_without_default().front();
  }
  changes_ = values.changes();
  if (values.changes_bytes()) {
    values_ = std::move(values);
  }
}

}  // namespace weir
