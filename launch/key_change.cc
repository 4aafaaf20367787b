// SPDX-License-Identifier: Apache-2.0
// The parts of an entry's key, by the kind of its state; docs/FORMATS.md has the table.
#include "launch/key_change.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "state/snapshot/entry_schema.h"
#include "state/snapshot/value_json.h"

namespace weir::detail {
namespace {

using What = KeyRewrite::What;
using Place = NewSavepoint::Place;

// An entry under its new key.
struct NewEntry {
  const std::string* old_key;
  std::string value;
};

Result<Schema> schema_of(const std::string& text) {
  Result<Schema> schema = Schema::parse(text);
  if (!schema.is_ok()) return schema.status().with_context("schema '" + text + "'");
  return schema;
}

// Whether what is stored is of the type that the program says.
Status check_type(std::string_view what, const std::string& said, const Schema& stored) {
  WEIR_ASSIGN_OR_RETURN(const Schema schema, schema_of(said));
  const std::string difference = schema.difference_from(stored);
  return difference.empty() ? Status::ok()
                            : failed_precondition(fmt::format("{} {}", what, difference));
}

/// Changes one state.
class StateChange {
 public:
  StateChange(const NewSavepoint::State& state, const KeyRewrite& rewrite)
      : state_(state), rewrite_(rewrite) {}

  Result<NewSavepoint::State> run() {
    NewSavepoint::State changed{state_.descriptor, true, {}};
    WEIR_RETURN_IF_ERROR(describe(changed.descriptor));
    WEIR_ASSIGN_OR_RETURN(const EntrySchema schema, EntrySchema::of(state_.descriptor));
    std::map<Place, NewEntry> entries;
    for (const auto& [place, value] : state_.entries) {
      WEIR_ASSIGN_OR_RETURN(Place now, place_of(place, value, schema));
      const auto [found, is_new] =
          entries.try_emplace(std::move(now), NewEntry{&place.second, value});
      if (is_new || state_.descriptor.kind == StateKind::kTimers) continue;
      return collision(schema, *found->second.old_key, place.second);
    }
    for (auto& [place, entry] : entries) {
      changed.entries.emplace(place, std::move(entry.value));
    }
    return changed;
  }

 private:
  // Checks that the types are as stored, and says what they become.
  Status describe(StateDescriptor& descriptor) const {
    WEIR_ASSIGN_OR_RETURN(const Schema key, schema_of(descriptor.key_schema));
    switch (rewrite_.what) {
      case What::kKeysOfRecords: {
        WEIR_ASSIGN_OR_RETURN(const Schema record, schema_of(descriptor.value_schema));
        return check_type("record", rewrite_.schema_then, record);
      }
      case What::kUserKeys: {
        WEIR_ASSIGN_OR_RETURN(const Schema map, schema_of(descriptor.value_schema));
        if (descriptor.kind != StateKind::kMap || map.kind() != TypeKind::kMap) {
          return failed_precondition("it is no map state");
        }
        WEIR_RETURN_IF_ERROR(check_type("user key", rewrite_.schema_then, map.parts()[0]));
        descriptor.value_schema =
            fmt::format("map<{},{}>", rewrite_.schema_now, map.parts()[1].text());
        descriptor.value_type = nullptr;
        return Status::ok();
      }
      case What::kKeys: break;
    }
    if (descriptor.kind != StateKind::kWindow) {
      descriptor.key_schema = rewrite_.schema_now;
      return check_type("key", rewrite_.schema_then, key);
    }
    if (key.kind() != TypeKind::kTuple || key.parts().size() != 2) {
      return data_loss("the key of a window is no pair: " + descriptor.key_schema);
    }
    descriptor.key_schema = fmt::format("tuple<{},{}>", rewrite_.schema_now, key.parts()[1].text());
    return check_type("key", rewrite_.schema_then, key.parts()[0]);
  }

  Result<Place> place_of(const Place& then, const std::string& value, const EntrySchema& schema) {
    const std::string& key = then.second;
    std::string now;
    try {
      switch (rewrite_.what) {
        case What::kKeys: {
          const std::size_t size = rewrite_.rewrite(key, now);
          const std::uint32_t hash = hash32(now);
          return Place{hash, now.append(key, size, std::string::npos)};
        }
        case What::kUserKeys: {
          ByteReader in(key);
          std::string ignored;
          append_key_json(ignored, schema.key_parts()[0].schema, in);
          const std::size_t size = in.offset();
          now = key.substr(0, size);
          (void)rewrite_.rewrite(ByteView(key).substr(size), now);
          return Place{then.first, std::move(now)};
        }
        case What::kKeysOfRecords:
          (void)rewrite_.rewrite(value, now);
          return Place{hash32(now), key};
      }
    } catch (const DecodeError& error) {
      return error.status();
    }
    WEIR_UNREACHABLE();
  }

  static Status collision(const EntrySchema& schema, const std::string& one,
                          const std::string& other) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> first, schema.key_json(one));
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> second, schema.key_json(other));
    return failed_precondition(fmt::format("keys {} and {} become the same",
                                           fmt::join(first, " / "), fmt::join(second, " / ")));
  }

  const NewSavepoint::State& state_;
  const KeyRewrite& rewrite_;
};

bool is_fired_watermark(const StateDescriptor& descriptor) {
  return descriptor.kind == StateKind::kOperator &&
         descriptor.distribution == StateDistribution::kUnion &&
         descriptor.value_schema == "tuple<uint64,uint64,event_time>";
}

// How far keys have fired is stored by their hashes. Behind a barrier all subtasks stand at one
// watermark; where they do not, a key that moves would fire twice, or never.
Status check_fired(const NewSavepoint::State& state) {
  std::optional<std::int64_t> fired;
  for (const auto& [place, value] : state.entries) {
    try {
      ByteReader in(value);
      (void)in.get_varint64();
      (void)in.get_varint64();
      const std::int64_t watermark = in.get_zigzag();
      if (fired.value_or(watermark) != watermark) {
        return failed_precondition(
            "its subtasks stood at different watermarks, so keys cannot move between them; take "
            "another savepoint");
      }
      fired = watermark;
    } catch (const DecodeError& error) {
      return error.status().with_context("state '" + state.descriptor.name + "'");
    }
  }
  return Status::ok();
}

bool concerns(const KeyRewrite& rewrite, const NewSavepoint::State& state) {
  if (!state.is_kept || state.descriptor.distribution != StateDistribution::kKeyed) return false;
  if (rewrite.what == What::kUserKeys) return state.descriptor.name == rewrite.state;
  return (state.descriptor.kind == StateKind::kBuffer) == (rewrite.what == What::kKeysOfRecords);
}

}  // namespace

Status change_keys(NewSavepoint::Operator& op, const KeyRewrite& rewrite) {
  if (rewrite.what == What::kUserKeys) {
    const auto found = op.states.find(rewrite.state);
    if (found == op.states.end() || !found->second.is_kept) {
      return not_found(fmt::format("no state '{}' was kept", rewrite.state));
    }
  }
  std::map<std::string, NewSavepoint::State> changed;
  for (const auto& [name, state] : op.states) {
    if (rewrite.what == What::kKeys && state.is_kept && !state.entries.empty() &&
        state.descriptor.kind == StateKind::kBuffer) {
      return failed_precondition(fmt::format(
          "records wait in state '{}', whose keys are not stored: change_keys_of_records", name));
    }
    if (!concerns(rewrite, state)) continue;
    Result<NewSavepoint::State> now = StateChange(state, rewrite).run();
    WEIR_RETURN_IF_ERROR(now.status().with_context(fmt::format("state '{}'", name)));
    changed.emplace(name, std::move(now).value());
  }
  const bool moves =
      rewrite.what != What::kUserKeys &&
      std::ranges::any_of(changed, [](const auto& each) { return !each.second.entries.empty(); });
  for (const auto& [name, state] : op.states) {
    if (moves && is_fired_watermark(state.descriptor)) WEIR_RETURN_IF_ERROR(check_fired(state));
  }
  for (auto& [name, state] : changed) op.states[name] = std::move(state);
  return Status::ok();
}

}  // namespace weir::detail
