// SPDX-License-Identifier: Apache-2.0
// KeyedTable: the in-memory table of one keyed state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/absent_keys.h"
#include "core/change_buffer.h"
#include "core/entry_store.h"
#include "core/evictable_table.h"
#include "core/hash_index.h"
#include "core/state_cell.h"
#include "core/state_table.h"
#include "core/state_text.h"
#include "types/key_codec.h"
#include "types/serializer.h"

namespace weir {

/// What a value is in a snapshot. This is for values that stand for themselves, with one entry per
/// key; lists and maps have their own in api/operators/state_collections.h.
template <class Value>
struct StateFormat {
  static Status write(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                      const Value& value, ByteWriter& scratch) {
    scratch.clear();
    Serializer<Value>::encode(scratch, value);
    return sink.entry(hash, key, scratch.view());
  }
  /// Writes what changed of the value; all of it if earlier snapshots know nothing of it.
  static Status write_changes(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                              const Value& value, bool /*is_stored*/, ByteWriter& scratch) {
    return write(sink, hash, key, value, scratch);
  }
  /// Tells that the value is no more.
  static Status write_erased(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                             const Value& /*value*/) {
    return sink.erased(hash, key);
  }
  /// Adds a stored entry to `value`. `rest` is what follows the key in the entry's key.
  static void read(ByteReader& rest, ByteReader& in, TextMaker& text, Value& value) {
    if (!rest.is_at_end()) {
      throw DecodeError("bytes after the key of a state entry", rest.offset());
    }
    value = Serializer<Value>::decode(in, text);
  }
};

namespace detail {

/// Whether two keys have equal encodings. Not `==`: that of floats and users may differ.
template <class Key>
bool keys_equal(const Key& a, const Key& b) {
  if constexpr (kTypeKind<Key> == TypeKind::kText || kTypeKind<Key> == TypeKind::kString) {
    return a == b;
  } else {
    return compare_keys(a, b) == 0;
  }
}

/// Reads the key at the start of a stored entry's key and checks that it belongs under `hash`.
template <class Key>
Key read_entry_key(std::uint32_t hash, ByteView bytes, ByteReader& in, TextMaker& text) {
  Key key = decode_key<Key>(in, text);
  if (hash32(bytes.substr(0, in.offset())) != hash) {
    throw StatusError(data_loss("a state entry lies under a hash that is not its key's"));
  }
  return key;
}

/// Counts the bytes of entries, with something for where they are kept.
class ByteCounter final : public StateEntrySink {
 public:
  Status entry(std::uint32_t, ByteView key, ByteView value) override {
    constexpr std::size_t kOverhead = 16;
    bytes_ += key.size() + value.size() + kOverhead;
    return Status::ok();
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

template <class Key, class Value>
struct TableEntry {
  using TextHome = StateTextFor<Key, Value>;
  void keep_text(TextHome& home) {
    home.keep(key);
    home.keep(value);
  }
  void drop_text(TextHome& home) const {
    home.drop(key);
    home.drop(value);
  }
  Key key;
  Value value;
};

}  // namespace detail

/// Maps keys to values in memory. Snapshots are copy on write: `freeze` copies a directory, and the
/// first change of a chunk that a snapshot may still read copies the chunk.
///
/// What is found stays readable until `tidy`, even after it was changed or erased. Entries leave
/// memory only in `evict`, of a table that was told to begin with it; see EvictableTable.
///
/// Requires: `hash` is key_hash(key). Value can be made from nothing.
/// Thread:   the subtask's; a frozen state is written by any.
/// Cost:     about 5 ns a lookup in the cache; growing moves the index, not the entries.
template <class Key, class Value>
class KeyedTable final : public StateTable, public EvictableTable, public ValueCell<Value> {
 public:
  using Entry = detail::TableEntry<Key, Value>;

  /// `context` is needed only for access as a ValueCell; it must outlive the table.
  explicit KeyedTable(StateDescriptor descriptor, const KeyContext& context = no_context())
      : ValueCell<Value>(context), descriptor_(std::move(descriptor)) {}

  // By key and hash, for operators of Weir's own.

  const Value* find(const Key& key, std::uint32_t hash) {
    const Position position = located(key, hash);
    return position == HashIndex::kNone ? nullptr : &store_.get(position).value;
  }
  /// The value to be changed, made from nothing if there is none. Valid until the next freeze.
  Value& find_or_insert(const Key& key, std::uint32_t hash) {
    static_assert(!kHoldsText<Value>, "weir: a value with text is changed by update()");
    this->forget();
    return store_.open(insert_position(key, hash)).value;
  }
  /// The same, made from `initial` if there is none.
  Value& find_or_insert(const Key& key, std::uint32_t hash, const Value& initial) {
    static_assert(!kHoldsText<Value>, "weir: a value with text is changed by update()");
    this->forget();
    const Position position = located(key, hash);
    return store_.open(position != HashIndex::kNone ? position : insert(key, hash, initial)).value;
  }
  /// Calls `f(Value&)` or `f(Value&, bool is_new)` with the value, made from nothing if there is
  /// none.
  template <class F>
  void update(const Key& key, std::uint32_t hash, F&& f) {
    this->forget();
    Position position = located(key, hash);
    const bool is_new = position == HashIndex::kNone;
    if (is_new) position = insert(key, hash);
    Value& value = store_.open(position).value;
    store_.drop_text(position, value);
    if constexpr (std::is_invocable_v<F&, Value&, bool>) {
      f(value, is_new);
    } else {
      f(value);
    }
    store_.keep_text(position, value);
  }
  /// Returns whether there was one.
  bool erase(const Key& key, std::uint32_t hash) {
    const Position position = located(key, hash);
    if (position != HashIndex::kNone) {
      erase_at(hash, position);
    }
    return position != HashIndex::kNone;
  }
  /// Calls `f(key, hash, value)` for each entry. `f` may change or erase the entry it is given, but
  /// not insert. The order follows from the order of changes alone; a restore changes it.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t chunk = 0; for_each_in_chunk(chunk, f); ++chunk) {
    }
  }
  /// The same for the entries of one chunk, some hundred at most; false past the last. For walks in
  /// bounded steps, between which nothing is inserted.
  template <class F>
  bool for_each_in_chunk(std::size_t chunk, F&& f) const {
    return store_.for_each_in_chunk(chunk, [&](Position position, const Entry& entry) {
      f(entry.key, store_.hash(position), entry.value);
    });
  }
  void clear() {
    WEIR_CHECK(!store_.tracks_changes());
    index_.clear();
    store_.clear();
    this->forget();
  }
  std::size_t size() const override { return store_.size(); }

  /// Loads what `find` looks at first: some keys ahead, `prefetch`; half as many, `prefetch_entry`.
  void prefetch(std::uint32_t hash) const { index_.prefetch(hash); }
  void prefetch_entry(std::uint32_t hash) const { store_.prefetch(index_.guess(hash)); }

  // As the cell of a handle.

  using ValueCell<Value>::find;
  void erase() override {
    if (ValueCell<Value>::find() != nullptr) {
      erase_at(this->context().hash, located_);
    }
  }
  void retire(detail::SharedRef<detail::SharedBody> body) override {
    store_.retire(std::move(body));
  }
  const std::string& name() const override { return descriptor_.name; }

  // As state.

  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId) override {
    return std::make_unique<Frozen>(freeze_entries());
  }
  /// The same for a state that consists of several tables.
  detail::FrozenEntries<Entry> freeze_entries() {
    WEIR_CHECK(!has_evicted());
    this->forget();
    return store_.freeze();
  }
  bool can_track_changes() const override { return true; }
  void track_changes(bool is_stored) override {
    store_.track_changes(is_stored);
    this->begin_epoch();
  }
  std::unique_ptr<FrozenState> freeze_changes() override {
    this->begin_epoch();
    absent_.count_freeze();
    return std::make_unique<Changes>(store_.freeze_changes(), std::exchange(erased_, {}));
  }
  /// For the owner of several tables who drops this one: all that earlier snapshots may hold.
  void freeze_stored(detail::FrozenChanges<Entry>& changes) const { store_.freeze_stored(changes); }
  detail::FrozenChanges<Entry> freeze_changed_entries() {
    this->begin_epoch();
    return store_.freeze_changes();
  }
  void restore(std::uint32_t hash, ByteView key_bytes, ByteView value_bytes) override;
  void tidy() override {
    this->forget();
    store_.tidy();
    index_.shrink();
  }
  std::size_t memory_bytes() const override {
    return store_.memory_bytes() + index_.memory_bytes();
  }
  std::size_t entry_count() const override { return store_.size() + num_evicted_; }

  // As a table that need not hold everything.

  EvictableTable* evictable() override { return this; }
  void begin_eviction(TableFloor& floor, std::size_t evicted, std::uint64_t freezes) override {
    floor_ = &floor;
    num_evicted_ = evicted;
    has_evicted_ = evicted > 0;
    store_.begin_eviction(freezes);
    absent_ = detail::AbsentKeys(freezes);
  }
  bool is_evicting() const override { return floor_ != nullptr; }
  bool has_evicted() const override { return has_evicted_; }
  bool has_unfrozen() const override { return store_.has_unfrozen() || !erased_.empty(); }
  std::size_t bytes_per_entry() const override;
  FrozenForFloor freeze_some(std::size_t entries) override {
    // No new epoch: what of a map was frozen now may be frozen once more with the rest.
    this->forget();
    absent_.count_freeze();
    auto frozen = store_.freeze_some(entries);
    return {
        .changed = std::make_unique<Changes>(std::move(frozen.changed), std::exchange(erased_, {})),
        .others = std::make_unique<Changes>(std::move(frozen.others), ChangeBuffer())};
  }
  std::size_t evict(std::size_t entries, std::uint64_t arrived) override {
    this->forget();
    absent_.forget_loaded();
    absent_.forget_erased(arrived);
    const std::size_t evicted = store_.evict(entries, arrived, [this](Position position) {
      index_.erase(store_.hash(position), position);
    });
    num_evicted_ += evicted;
    has_evicted_ |= evicted > 0;
    return evicted;
  }
  /// Asks for a key that is going to be used. Requires: eviction has begun.
  void want(const Key& key, std::uint32_t hash) {
    if (const Position position = position_of(key, hash); position != HashIndex::kNone) {
      store_.mark_used(position);
    } else if (has_evicted_) {
      key_bytes_.clear();
      encode_key(key_bytes_, key);
      if (absent_.add_unless_known(key_bytes_)) {
        wanted_.push_back({hash, key_bytes_});
      }
    }
  }
  std::vector<StoredKey> take_wanted() override { return std::exchange(wanted_, {}); }
  void take_loaded(const StoredKey& key, const StoredEntries& entries) override;

 private:
  using HashIndex = detail::HashIndex;
  using Position = HashIndex::Position;
  class Frozen;
  class Changes;

  static const KeyContext& no_context() {
    static const KeyContext kNone;
    return kNone;
  }
  const Key& context_key() const { return *static_cast<const Key*>(this->context().key); }

  Position position_of(const Key& key, std::uint32_t hash) const {
    return index_.find(
        hash, [&](Position position) { return detail::keys_equal(store_.get(position).key, key); });
  }
  // The same; an entry that is not in memory is loaded.
  Position located(const Key& key, std::uint32_t hash) {
    const Position position = position_of(key, hash);
    if (position != HashIndex::kNone || !has_evicted_) [[likely]] {
      return position;
    }
    return load(key, hash);
  }
  [[gnu::noinline]] Position load(const Key& key, std::uint32_t hash) {
    StoredKey stored{hash, {}};
    encode_key(stored.bytes, key);
    if (!absent_.add_unless_known(stored.bytes)) {
      return HashIndex::kNone;
    }
    take_loaded(stored, floor_->load(stored));
    return position_of(key, hash);
  }
  Position insert_position(const Key& key, std::uint32_t hash) {
    const Position position = located(key, hash);
    return position != HashIndex::kNone ? position : insert(key, hash);
  }
  Position insert(const Key& key, std::uint32_t hash, Value initial = Value{}) {
    WEIR_DCHECK(hash == key_hash(key));
    const Position position = store_.insert(hash, Entry{key, std::move(initial)});
    index_.insert(hash, position);
    this->forget();
    return position;
  }
  void erase_at(std::uint32_t hash, Position position) {
    if (store_.is_stored(position)) {
      std::string key;
      encode_key(key, store_.get(position).key);
      throw_if_error(
          StateFormat<Value>::write_erased(erased_, hash, key, store_.get(position).value));
      if (store_.is_evicting()) {
        absent_.add_erased(key);
      }
    }
    index_.erase(hash, position);
    store_.erase(position);
    this->forget();
  }

  void locate() override {
    located_ = located(context_key(), this->context().hash);
    // Const only to the eye: it is not changed before it was opened.
    this->remember(located_ == HashIndex::kNone
                       ? nullptr
                       : const_cast<Value*>(&std::as_const(store_).get(located_).value),
                   false);
  }
  void locate_to_change() override {
    if (!this->is_located() || located_ == HashIndex::kNone) {
      located_ = insert_position(context_key(), this->context().hash);
    }
    this->remember(&store_.open(located_).value, true);
  }
  void drop_text() override { store_.drop_text(located_, store_.open(located_).value); }
  void keep_text() override { store_.keep_text(located_, store_.open(located_).value); }

  StateDescriptor descriptor_;
  HashIndex index_;
  detail::EntryStore<Entry> store_;
  ChangeBuffer erased_;                  // since the last freeze of changes
  Position located_ = HashIndex::kNone;  // of the current key, while located
  // Where entries are evicted.
  TableFloor* floor_ = nullptr;
  bool has_evicted_ = false;
  std::size_t num_evicted_ = 0;
  detail::AbsentKeys absent_;
  std::vector<StoredKey> wanted_;
  std::string key_bytes_;
  // The last estimate, and for how many entries it was made.
  mutable std::size_t bytes_per_entry_ = 0;
  mutable std::size_t estimated_at_ = 0;
};

// Implementation details follow.

template <class Key, class Value>
class KeyedTable<Key, Value>::Frozen final : public FrozenState {
 public:
  explicit Frozen(detail::FrozenEntries<Entry> entries) : entries_(std::move(entries)) {}
  Status write(StateEntrySink& sink) override {
    ByteWriter scratch;
    return detail::write_sorted(
        std::span(&entries_, 1),
        [](std::string& out, const Entry& entry, std::size_t) { encode_key(out, entry.key); },
        [&](std::uint32_t hash, const Entry& entry, const std::string& key) {
          return StateFormat<Value>::write(sink, hash, key, entry.value, scratch);
        });
  }

 private:
  detail::FrozenEntries<Entry> entries_;
};

template <class Key, class Value>
class KeyedTable<Key, Value>::Changes final : public FrozenState {
 public:
  Changes(detail::FrozenChanges<Entry> changed, ChangeBuffer erased)
      : changed_(std::move(changed)), erased_(std::move(erased)) {}
  Status write(StateEntrySink& sink) override {
    WEIR_RETURN_IF_ERROR(add_changed(erased_));
    return erased_.write(sink);
  }
  Status write_in_any_order(StateEntrySink& sink) override {
    // What was erased comes first: if the key came back, its entry counts.
    WEIR_RETURN_IF_ERROR(erased_.write(sink));
    erased_ = {};
    return add_changed(sink);
  }

 private:
  Status add_changed(StateEntrySink& sink) {
    ByteWriter scratch;
    std::string key;
    return changed_.drain([&](std::uint32_t hash, const Entry& entry, bool is_stored) {
      key.clear();
      encode_key(key, entry.key);
      return StateFormat<Value>::write_changes(sink, hash, key, entry.value, is_stored, scratch);
    });
  }

  detail::FrozenChanges<Entry> changed_;
  ChangeBuffer erased_;
};

template <class Key, class Value>
void KeyedTable<Key, Value>::restore(std::uint32_t hash, ByteView key_bytes, ByteView value_bytes) {
  ArenaList arenas;
  TextMaker text(arenas, 64);
  ByteReader key_in(key_bytes);
  const Key key = detail::read_entry_key<Key>(hash, key_bytes, key_in, text);
  ByteReader value_in(value_bytes);
  update(key, hash, [&](Value& value) { StateFormat<Value>::read(key_in, value_in, text, value); });
  if (!value_in.is_at_end()) {
    throw DecodeError("bytes after a state value", value_in.offset());
  }
}

template <class Key, class Value>
void KeyedTable<Key, Value>::take_loaded(const StoredKey& stored, const StoredEntries& entries) {
  if (entries.empty()) {
    return;
  }
  ArenaList arenas;
  TextMaker text(arenas, 64);
  ByteReader key_in(stored.bytes);
  const Key key = detail::read_entry_key<Key>(stored.hash, stored.bytes, key_in, text);
  if (position_of(key, stored.hash) != HashIndex::kNone) {
    return;
  }
  Entry entry{key, Value{}};
  for (const auto& [entry_key, bytes] : entries) {
    ByteReader rest(entry_key);
    (void)decode_key<Key>(rest, text);
    ByteReader value_in(bytes);
    StateFormat<Value>::read(rest, value_in, text, entry.value);
  }
  index_.insert(stored.hash, store_.insert_stored(stored.hash, std::move(entry)));
  num_evicted_ -= num_evicted_ > 0 ? 1 : 0;
  this->forget();
}

template <class Key, class Value>
std::size_t KeyedTable<Key, Value>::bytes_per_entry() const {
  const std::size_t size = store_.size();
  if (size == 0 ||
      (bytes_per_entry_ != 0 && size < estimated_at_ / 8 * 9 && size > estimated_at_ / 8 * 7)) {
    return bytes_per_entry_;
  }
  estimated_at_ = size;
  constexpr std::size_t kSamples = 64;
  std::size_t samples = 0;
  std::size_t sum = 0;
  detail::ByteCounter counter;
  ByteWriter scratch;
  store_.sample(kSamples, [&](const Entry& entry, std::size_t text_bytes) {
    ++samples;
    sum += text_bytes;
    if constexpr (!std::is_trivially_copyable_v<Value>) {
      // What it holds elsewhere is about as large as what is stored of it.
      (void)StateFormat<Value>::write(counter, 0, {}, entry.value, scratch);
    }
  });
  bytes_per_entry_ = detail::EntryChunk<Entry>::bytes_per_entry() + index_.memory_bytes() / size +
                     (samples > 0 ? (sum + counter.bytes()) / samples : 0);
  return bytes_per_entry_;
}

}  // namespace weir
