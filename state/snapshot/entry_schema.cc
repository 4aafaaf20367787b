// SPDX-License-Identifier: Apache-2.0
// The table of docs/FORMATS.md as code.
#include "state/snapshot/entry_schema.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "core/time_to_live.h"
#include "state/snapshot/value_json.h"

namespace weir {
namespace {

Status unfit(const StateDescriptor& descriptor) {
  return data_loss("state '" + descriptor.name + "' has schemas that do not fit its kind, " +
                   std::string(to_string(descriptor.kind)) + ": key='" + descriptor.key_schema +
                   "' value='" + descriptor.value_schema + "'");
}

bool holds_custom(const Schema& schema) {
  return schema.kind() == TypeKind::kCustom ||
         std::any_of(schema.parts().begin(), schema.parts().end(), holds_custom);
}

// Names for a key that is stored as a pair; others are the key alone.
std::pair<std::string_view, std::string_view> names_of_pair(StateKind kind) {
  switch (kind) {
    case StateKind::kWindow: return {"key", "slice"};
    case StateKind::kBuffer: return {"time", "number"};
    case StateKind::kValue:
    case StateKind::kList:
    case StateKind::kMap:
    case StateKind::kReducing:
    case StateKind::kAggregating:
    case StateKind::kTimers:
    case StateKind::kOperator:
    case StateKind::kBroadcast: break;
  }
  return {};
}

}  // namespace

Result<EntrySchema> EntrySchema::of(const StateDescriptor& descriptor) {
  EntrySchema entry;
  entry.kind_ = descriptor.kind;
  entry.distribution_ = descriptor.distribution;
  entry.has_times_ = descriptor.ttl.has_value();
  if (!descriptor.key_schema.empty()) {
    const Result<Schema> key = Schema::parse(descriptor.key_schema);
    if (!key.is_ok()) {
      return unfit(descriptor);
    }
    const auto [first, second] = names_of_pair(descriptor.kind);
    if (first.empty()) {
      entry.key_parts_.push_back({"key", *key});
    } else if (key->kind() == TypeKind::kTuple && key->parts().size() == 2) {
      entry.key_parts_ = {{first, key->parts()[0]}, {second, key->parts()[1]}};
    } else {
      return unfit(descriptor);
    }
  }
  Result<Schema> value = Schema::parse(descriptor.value_schema);
  if (value.is_ok()) {
    entry.value_ = std::move(value).value();
  }
  if (descriptor.kind == StateKind::kTimers) {
    if (!entry.value_) {
      return unfit(descriptor);
    }
    entry.key_parts_.push_back({"time", *std::exchange(entry.value_, std::nullopt)});
    entry.has_value_ = false;
  } else if (descriptor.kind == StateKind::kMap) {
    if (!entry.value_ || entry.value_->kind() != TypeKind::kMap) {
      return unfit(descriptor);
    }
    entry.key_parts_.push_back({"user_key", entry.value_->parts()[0]});
    entry.value_ = Schema(entry.value_->parts()[1]);
  }
  entry.has_custom_ = entry.value_ && holds_custom(*entry.value_);
  return entry;
}

Result<std::vector<std::string>> EntrySchema::key_json(ByteView key) const {
  std::vector<std::string> parts;
  try {
    ByteReader in(key);
    for (const KeyPart& part : key_parts_) {
      append_key_json(parts.emplace_back(), part.schema, in);
    }
    if (!in.is_at_end()) {
      return data_loss("bytes after the key of an entry: offset=" + std::to_string(in.offset()));
    }
  } catch (const DecodeError& error) {
    return error.status().with_context("key of an entry");
  }
  return parts;
}

Result<std::string> EntrySchema::value_json(ByteView value) const {
  std::string out;
  if (has_times_) {
    try {
      ByteReader in(value);
      static_cast<void>(get_update_times(kind_, in));
      value.remove_prefix(in.offset());
    } catch (const DecodeError& error) {
      return error.status().with_context("times of an entry");
    }
  }
  if (!value_) {
    append_json_hex(out, value);
    return out;
  }
  try {
    ByteReader in(value);
    append_value_json(out, *value_, in);
    if (!in.is_at_end()) {
      return data_loss("bytes after the value of an entry: offset=" + std::to_string(in.offset()));
    }
  } catch (const DecodeError& error) {
    if (!has_custom_) {
      return error.status().with_context("value of an entry");
    }
    // Something follows what has no end.
    out.clear();
    append_json_hex(out, value);
  }
  return out;
}

Result<std::string> EntrySchema::updated_json(ByteView value) const {
  try {
    ByteReader in(value);
    std::string out;
    for (const ProcessingTime time : get_update_times(kind_, in)) {
      out += (out.empty() ? "" : ",") + std::to_string(time.millis());
    }
    return kind_ == StateKind::kList ? '[' + out + ']' : out;
  } catch (const DecodeError& error) {
    return error.status().with_context("times of an entry");
  }
}

Status EntrySchema::check_key(std::uint32_t hash, ByteView key) const {
  WEIR_RETURN_IF_ERROR(key_json(key).status());
  // A waiting record has the hash of a key that is not stored.
  if (distribution_ == StateDistribution::kKeyed && kind_ != StateKind::kBuffer &&
      !key_parts_.empty()) {
    std::string ignored;
    ByteReader in(key);
    append_key_json(ignored, key_parts_[0].schema, in);
    if (hash32(key.substr(0, in.offset())) != hash) {
      return data_loss("an entry lies under a hash that is not its key's: hash=" +
                       std::to_string(hash));
    }
  }
  return Status::ok();
}

Status EntrySchema::check(std::uint32_t hash, ByteView key, ByteView value) const {
  WEIR_RETURN_IF_ERROR(check_key(hash, key));
  if (!has_value_) {
    return value.empty() ? Status::ok() : data_loss("a timer has a value");
  }
  return value_json(value).status();
}

}  // namespace weir
