// SPDX-License-Identifier: Apache-2.0
// How state of any shape is described, frozen at a barrier, written in the background and restored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/status.h"
#include "base/time.h"
#include "core/ids.h"

namespace weir {

struct TypeInfo;
class EvictableTable;

/// What a state is, as the user declared it or as an operator of Weir uses it.
enum class StateKind {
  kValue,
  kList,
  kMap,
  kReducing,
  kAggregating,
  kTimers,
  kWindow,
  kBuffer,
  kOperator,
  kBroadcast
};

/// How the entries of a state are spread over subtasks on restore.
enum class StateDistribution {
  kKeyed,  ///< by key hash; each subtask gets the hashes of its key groups
  kSplit,  ///< items; each stays with its subtask while the parallelism is kept, else round robin
  kUnion,  ///< items; every subtask gets all
  kBroadcast,  ///< each subtask has all entries, and gets one former subtask's copy of them
};

/// Describes one named state of one operator. Stored in the job graph and in every snapshot.
struct StateDescriptor {
  std::string name;
  StateKind kind = StateKind::kValue;
  StateDistribution distribution = StateDistribution::kKeyed;
  std::string key_schema;    ///< `Schema` text of the key; empty where there is none
  std::string value_schema;  ///< `Schema` text of the value
  /// The type that `value_schema` is of, where it is one of this program: what values of an earlier
  /// version lack comes from it. Neither stored nor compared; null if not known.
  const TypeInfo* value_type = nullptr;
  /// How long an entry lives after its last update. If set, stored values begin with the time of
  /// that; core/time_to_live.h.
  std::optional<Duration> ttl = {};
  friend bool operator==(const StateDescriptor& a, const StateDescriptor& b) {
    return a.name == b.name && a.kind == b.kind && a.distribution == b.distribution &&
           a.key_schema == b.key_schema && a.value_schema == b.value_schema && a.ttl == b.ttl;
  }
};

/// How kinds and distributions are called in messages and in JSON: "value", "keyed".
std::string_view to_string(StateKind kind);
std::string_view to_string(StateDistribution distribution);
/// The inverse. Errors: nothing of that name.
std::optional<StateKind> state_kind_named(std::string_view name);
std::optional<StateDistribution> state_distribution_named(std::string_view name);

/// Takes the entries of one frozen state.
class StateEntrySink {
 public:
  virtual ~StateEntrySink() = default;
  /// Keyed entries come in order of (hash, key); item states use the item's index as hash and
  /// an empty key, broadcast states the index in the order of keys. The views need live only
  /// during the call.
  virtual Status entry(std::uint32_t hash, ByteView key, ByteView value) = 0;
  /// An entry that an earlier freeze of changes may have held is no more. Comes in the same order,
  /// and only of `freeze_changes`.
  virtual Status erased(std::uint32_t /*hash*/, ByteView /*key*/) {
    return internal_error("a state told of an erased entry where all entries were asked for");
  }
};

/// The content of a state at one barrier, unaffected by what happens to the state later.
class FrozenState {
 public:
  virtual ~FrozenState() = default;
  /// Writes all entries. Thread: any, once; may block on files of its own (a sink's fsync).
  virtual Status write(StateEntrySink& sink) = 0;
  /// The same for who puts them in order: they may come in any, and of several for one key the last
  /// counts. Once, instead of `write`.
  virtual Status write_in_any_order(StateEntrySink& sink) { return write(sink); }
  /// Of a state with a time-to-live: entries that were last updated then or before have expired.
  virtual ProcessingTime expired_through() const { return ProcessingTime::none(); }
};

/// One named state of one operator subtask: a hash table, a timer queue, a list of splits, ...
///
/// Thread: the subtask's, but for what `freeze` returns.
class StateTable {
 public:
  virtual ~StateTable() = default;
  virtual const StateDescriptor& descriptor() const = 0;
  /// Takes the content at a barrier. Must be quick: it stalls the record path.
  virtual std::unique_ptr<FrozenState> freeze(CheckpointId checkpoint) = 0;

  // Changes alone, for backends whose snapshots build on each other.

  /// Whether the table can tell what changed. Those that cannot are always frozen as a whole.
  virtual bool can_track_changes() const { return false; }
  /// From now on notes what changes. `is_stored`: what it holds now is part of earlier snapshots,
  /// else it counts as changed.
  virtual void track_changes(bool /*is_stored*/) {}
  /// Takes what changed since the last call. Requires: changes are tracked.
  virtual std::unique_ptr<FrozenState> freeze_changes() { return nullptr; }

  /// Null for a table that must hold everything in memory.
  virtual EvictableTable* evictable() { return nullptr; }

  /// Takes one entry of a snapshot. Called before the first record; throws StatusError (data loss)
  /// if the bytes do not decode.
  virtual void restore(std::uint32_t hash, ByteView key, ByteView value) = 0;
  /// What an entry of a snapshot is worth now: false if nothing. `value` is changed to what
  /// `restore` would take instead, where that differs; `scratch` then holds it.
  virtual bool convert_restored(ByteView& /*value*/, std::string& /*scratch*/) const {
    return true;
  }
  /// Called between batch calls: frees and moves what must stay put during a call.
  virtual void tidy() {}
  /// Memory held, in bytes (an estimate).
  virtual std::size_t memory_bytes() const { return 0; }
  /// Entries held now, for people to see.
  virtual std::size_t entry_count() const { return 0; }
};

/// Work on files that an operator's state needs, cut in two.
struct StateWork {
  std::function<void()> work;  ///< blocks; thread: any
  std::function<void()> done;  ///< afterwards; throws StatusError. Thread: the subtask's
  /// Whether records must wait until it is done.
  bool holds_records = true;
};

/// Where an operator announces its states while it opens.
///
/// Thread: the subtask's.
class StateRegistry {
 public:
  virtual ~StateRegistry() = default;
  /// Adds `table` and at once feeds it the restored entries that belong to this subtask. The table
  /// must outlive the operator's last snapshot. Throws StatusError if a restored state has another
  /// kind or schema (failed precondition, names both) or cannot be read (data loss, names the
  /// file).
  virtual void add(StateTable& table) = 0;
  /// True when this attempt started from a checkpoint.
  virtual bool is_restored() const = 0;

  // Where state need not be in memory as a whole, before records are processed:

  /// Lets go what must make room for the state of `records` records; may ask for work, and then to
  /// be called again.
  virtual std::optional<StateWork> make_room(std::size_t /*records*/) { return std::nullopt; }
  /// Loads what the tables were asked for.
  virtual std::optional<StateWork> load_wanted() { return std::nullopt; }
};

}  // namespace weir
