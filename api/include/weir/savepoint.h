// SPDX-License-Identifier: Apache-2.0
// SavepointReader and SavepointWriter: state outside of a job, to be looked at, changed or made.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/operators/broadcast_table.h"
#include "base/status.h"
#include "core/state_table.h"
#include "types/key_codec.h"
#include "types/schema.h"
#include "types/serializer.h"

namespace weir {
namespace detail {

class StoredSavepoint;
class NewSavepoint;
using StoredEntryFunction = std::function<void(ByteView key, ByteView value)>;

/// How the keys of an operator, or the user keys of one map state, become others.
struct KeyRewrite {
  enum class What { kKeys, kUserKeys, kKeysOfRecords };
  What what = What::kKeys;
  std::string state;        ///< of user keys
  std::string schema_then;  ///< of the keys, or of the records
  std::string schema_now;   ///< of the keys
  /// Reads a key or a record from the front of `stored`, appends the new key, and returns how many
  /// bytes it has read.
  std::function<std::size_t(ByteView stored, std::string& out)> rewrite;
};

}  // namespace detail

/// Reads keyed and broadcast state of a checkpoint or savepoint with the types of this program.
/// Values stored by an earlier version of the types are migrated, as on restore.
///
/// Errors: not found for an operator or state (lists those there are); failed precondition for
///         other types; data loss for damage, naming the file.
/// Thread: any, one at a time; blocks on files.
class SavepointReader {
 public:
  /// `path` is the folder of a checkpoint or savepoint.
  static Result<SavepointReader> open(const std::string& path);

  /// Calls `f(key, value)` for every key of a value, reducing or aggregating state, and, with
  /// Value a std::vector, of a list state. Text lives as long as the call.
  template <class Key, class Value, class F>
  Status for_each(const std::string& operator_id, const std::string& state, F&& f) const;

  /// Calls `f(key, user_key, value)` for every entry of a map state.
  template <class Key, class UserKey, class Value, class F>
  Status for_each_in_map(const std::string& operator_id, const std::string& state, F&& f) const;

  /// Calls `f(key, value)` for every entry of a broadcast state, of which it reads one copy.
  template <class Key, class Value, class F>
  Status for_each_broadcast(const std::string& operator_id, const std::string& state, F&& f) const;

 private:
  friend class SavepointWriter;
  explicit SavepointReader(std::shared_ptr<const detail::StoredSavepoint> stored)
      : stored_(std::move(stored)) {}

  // `wanted` has the name and the schemas; of its kind matters only whether it is a list or a map.
  Status read(const std::string& operator_id, const StateDescriptor& wanted,
              const detail::StoredEntryFunction& f) const;

  // Shared by copies; the last lets it go.
  std::shared_ptr<const detail::StoredSavepoint> stored_;
};

/// Makes a checkpoint that a job can be restored from, at any parallelism.
///
/// Thread: one at a time. Cost: holds everything in memory until it is written.
class SavepointWriter {
 public:
  /// A restored job keeps its own max parallelism, whatever it is here.
  explicit SavepointWriter(const std::string& job_name);
  ~SavepointWriter();
  SavepointWriter(SavepointWriter&&) noexcept;
  SavepointWriter& operator=(SavepointWriter&&) noexcept;

  /// Takes over all states of an operator, or of all operators; those that are `put` replace them.
  Status keep(const SavepointReader& reader, const std::string& operator_id);
  Status keep_all(const SavepointReader& reader);

  /// Adds an entry of a keyed state; the first one for a state declares it, and what was kept of it
  /// is gone. A key that comes again is replaced.
  ///
  /// Requires: the same kind and types for all entries of a state; `kind` is kValue, kReducing or
  ///           kAggregating, whose value is the accumulator.
  template <class Key, class Value>
  void put(const std::string& operator_id, const std::string& state, const Key& key,
           const Value& value, StateKind kind = StateKind::kValue);
  template <class Key, class Item>
  void put_list(const std::string& operator_id, const std::string& state, const Key& key,
                const std::vector<Item>& items) {
    put(operator_id, state, key, items, StateKind::kList);
  }
  template <class Key, class UserKey, class Value>
  void put_in_map(const std::string& operator_id, const std::string& state, const Key& key,
                  const UserKey& user_key, const Value& value);

  /// Adds an entry of a broadcast state; a restored job has it in every subtask.
  template <class Key, class Value>
  void put_broadcast(const std::string& operator_id, const std::string& state, const Key& key,
                     const Value& value);

  /// Gives the keyed states, windows and timers that were kept of an operator other keys: what was
  /// stored under a key is stored under `f(key)`, which may be of another type. States that were
  /// put stay as they are. After an error nothing has changed.
  ///
  /// Errors: not found; failed precondition if a key is not of type OldKey, or if two keys of one
  ///         state become the same (names both; of timers, equal ones become one), or if records
  ///         wait in the operator, for which `change_keys_of_records` is; data loss.
  template <class OldKey, class F>
  Status change_keys(const std::string& operator_id, F&& f);
  /// The same for the user keys of one map state.
  template <class OldUserKey, class F>
  Status change_user_keys(const std::string& operator_id, const std::string& state, F&& f);
  /// The same for the records that wait in a `sorted_by_event_time`, where keys are not stored: the
  /// key of each is `key_of(record)`, as `key_by` of the new version says.
  template <class Record, class F>
  Status change_keys_of_records(const std::string& operator_id, F&& key_of);

  /// Leaves a state out that was kept or put.
  void drop(const std::string& operator_id, const std::string& state);

  /// Writes `<directory>/<job name>/chk-<id>`, with an id above those there are, and returns its
  /// path: what `--checkpoint-dir` and `--restore` take.
  Result<std::string> write(const std::string& directory);

 private:
  void add(const std::string& operator_id, StateDescriptor descriptor, std::uint32_t hash,
           std::string key, std::string value);
  Status rewrite_keys(const std::string& operator_id, const detail::KeyRewrite& rewrite);

  std::unique_ptr<detail::NewSavepoint> made_;
};

// Implementation details follow.

template <class Key, class Value, class F>
Status SavepointReader::for_each(const std::string& operator_id, const std::string& state,
                                 F&& f) const {
  constexpr bool kIsList = detail::kTypeKind<Value> == TypeKind::kVector;
  const StateDescriptor wanted{state,
                               kIsList ? StateKind::kList : StateKind::kValue,
                               StateDistribution::kKeyed,
                               schema_text<Key>(),
                               schema_text<Value>(),
                               &type_info<Value>()};
  return read(operator_id, wanted, [&f](ByteView key_bytes, ByteView value_bytes) {
    ArenaList arenas;
    TextMaker text(arenas, 64);
    ByteReader key(key_bytes);
    ByteReader value(value_bytes);
    const Key decoded_key = decode_key<Key>(key, text);
    const Value decoded_value = Serializer<Value>::decode(value, text);
    f(decoded_key, decoded_value);
  });
}

template <class Key, class UserKey, class Value, class F>
Status SavepointReader::for_each_in_map(const std::string& operator_id, const std::string& state,
                                        F&& f) const {
  using Map = std::map<UserKey, Value>;
  const StateDescriptor wanted{state,
                               StateKind::kMap,
                               StateDistribution::kKeyed,
                               schema_text<Key>(),
                               schema_text<Map>(),
                               &type_info<Map>()};
  return read(operator_id, wanted, [&f](ByteView key_bytes, ByteView value_bytes) {
    ArenaList arenas;
    TextMaker text(arenas, 64);
    ByteReader key(key_bytes);
    ByteReader value(value_bytes);
    const Key decoded_key = decode_key<Key>(key, text);
    const UserKey decoded_user_key = decode_key<UserKey>(key, text);
    const Value decoded_value = Serializer<Value>::decode(value, text);
    f(decoded_key, decoded_user_key, decoded_value);
  });
}

template <class Key, class Value, class F>
Status SavepointReader::for_each_broadcast(const std::string& operator_id, const std::string& state,
                                           F&& f) const {
  return read(operator_id, BroadcastTable<Key, Value>::describe(state),
              [&f](ByteView key_bytes, ByteView value_bytes) {
                ArenaList arenas;
                TextMaker text(arenas, 64);
                ByteReader key(key_bytes);
                ByteReader value(value_bytes);
                const Key decoded_key = decode_key<Key>(key, text);
                const Value decoded_value = Serializer<Value>::decode(value, text);
                f(decoded_key, decoded_value);
              });
}

template <class Key, class Value>
void SavepointWriter::put_broadcast(const std::string& operator_id, const std::string& state,
                                    const Key& key, const Value& value) {
  std::string key_bytes;
  encode_key(key_bytes, key);
  ByteWriter value_bytes;
  Serializer<Value>::encode(value_bytes, value);
  add(operator_id, BroadcastTable<Key, Value>::describe(state), 0, std::move(key_bytes),
      value_bytes.take());
}

template <class Key, class Value>
void SavepointWriter::put(const std::string& operator_id, const std::string& state, const Key& key,
                          const Value& value, StateKind kind) {
  std::string key_bytes;
  encode_key(key_bytes, key);
  ByteWriter value_bytes;
  Serializer<Value>::encode(value_bytes, value);
  add(operator_id,
      {state, kind, StateDistribution::kKeyed, schema_text<Key>(), schema_text<Value>(),
       &type_info<Value>()},
      key_hash(key), std::move(key_bytes), value_bytes.take());
}

template <class Key, class UserKey, class Value>
void SavepointWriter::put_in_map(const std::string& operator_id, const std::string& state,
                                 const Key& key, const UserKey& user_key, const Value& value) {
  using Map = std::map<UserKey, Value>;
  std::string key_bytes;
  encode_key(key_bytes, key);
  encode_key(key_bytes, user_key);
  ByteWriter value_bytes;
  Serializer<Value>::encode(value_bytes, value);
  add(operator_id,
      {state, StateKind::kMap, StateDistribution::kKeyed, schema_text<Key>(), schema_text<Map>(),
       &type_info<Map>()},
      key_hash(key), std::move(key_bytes), value_bytes.take());
}

namespace detail {

template <class F, class Old>
using NewKeyOf = std::remove_cvref_t<std::invoke_result_t<F&, const Old&>>;

template <class Old, class F>
auto key_rewrite(F& f) {
  return [&f](ByteView stored, std::string& out) {
    ArenaList arenas;
    TextMaker text(arenas, 64);
    ByteReader in(stored);
    const Old old = decode_key<Old>(in, text);
    encode_key(out, static_cast<const NewKeyOf<F, Old>&>(f(old)));
    return in.offset();
  };
}

}  // namespace detail

template <class OldKey, class F>
Status SavepointWriter::change_keys(const std::string& operator_id, F&& f) {
  using NewKey = detail::NewKeyOf<F, OldKey>;
  return rewrite_keys(operator_id, {detail::KeyRewrite::What::kKeys, "", schema_text<OldKey>(),
                                    schema_text<NewKey>(), detail::key_rewrite<OldKey>(f)});
}

template <class OldUserKey, class F>
Status SavepointWriter::change_user_keys(const std::string& operator_id, const std::string& state,
                                         F&& f) {
  using NewKey = detail::NewKeyOf<F, OldUserKey>;
  return rewrite_keys(operator_id,
                      {detail::KeyRewrite::What::kUserKeys, state, schema_text<OldUserKey>(),
                       schema_text<NewKey>(), detail::key_rewrite<OldUserKey>(f)});
}

template <class Record, class F>
Status SavepointWriter::change_keys_of_records(const std::string& operator_id, F&& key_of) {
  using NewKey = detail::NewKeyOf<F, Record>;
  const auto rewrite = [&key_of](ByteView stored, std::string& out) {
    ArenaList arenas;
    TextMaker text(arenas, 64);
    ByteReader in(stored);
    const Record record = Serializer<Record>::decode(in, text);
    encode_key(out, static_cast<const NewKey&>(key_of(record)));
    return in.offset();
  };
  return rewrite_keys(operator_id, {detail::KeyRewrite::What::kKeysOfRecords, "",
                                    schema_text<Record>(), schema_text<NewKey>(), rewrite});
}

}  // namespace weir
