// SPDX-License-Identifier: Apache-2.0
// ValueState, ListState, MapState, ReducingState, AggregatingState: state of the current key, as
// user functions hold it. States: where a function declares them.
#pragma once

#include <weir/operator_state.h>
#include <weir/ttl.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/expiring_collections.h"
#include "api/operators/expiring_table.h"
#include "api/operators/state_collections.h"
#include "core/keyed_table.h"
#include "core/time_to_live.h"
#include "types/schema.h"

namespace weir {

template <class Key>
class States;

namespace detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_no_value(const std::string& state) {
  throw std::runtime_error("state '" + state +
                           "' has no value for this key: ask has_value() first, or use value_or()");
}

/// A handle's way to its state. Null until declared in a running job.
template <class Value>
class Handle {
 protected:
  Handle() = default;
  explicit Handle(ValueCell<Value>* cell) : cell_(cell) {}
  ValueCell<Value>& cell() const {
    WEIR_CHECK(cell_ != nullptr && "a state handle is used that declare() did not bind");
    return *cell_;
  }

 private:
  ValueCell<Value>* cell_ = nullptr;
};

/// The same for lists and maps: they have a cell, or, with a time-to-live, `Expiring`.
template <class Value, class Expiring>
class CollectionHandle {
 protected:
  CollectionHandle() = default;
  explicit CollectionHandle(ValueCell<Value>* cell) : cell_(cell) {}
  explicit CollectionHandle(Expiring* expiring) : expiring_(expiring) {}
  bool expires() const { return cell_ == nullptr; }
  /// Requires: not `expires()`.
  ValueCell<Value>& cell() const { return *cell_; }
  Expiring& expiring() const {
    WEIR_CHECK(expiring_ != nullptr && "a state handle is used that declare() did not bind");
    return *expiring_;
  }

 private:
  ValueCell<Value>* cell_ = nullptr;
  Expiring* expiring_ = nullptr;
};

}  // namespace detail

/// Keeps one value per key.
///
/// A handle may be copied; copies mean the same state. What it returns is valid until the call of
/// the user's function returns.
///
/// Errors: value() throws std::runtime_error where there is none. Use outside a call that has a
///         key, or of a handle that declare() did not bind, is a programmer error and aborts.
/// Thread: the subtask's.
template <class T>
class ValueState : detail::Handle<T> {
 public:
  ValueState() = default;

  bool has_value() const { return this->cell().find() != nullptr; }
  /// Returns the value. Requires has_value(), else throws.
  const T& value() const {
    const T* value = this->cell().find();
    if (value == nullptr) [[unlikely]] {
      detail::throw_no_value(this->cell().name());
    }
    return *value;
  }
  T value_or(T other) const {
    const T* value = this->cell().find();
    return value != nullptr ? *value : std::move(other);
  }
  void set(const T& value) const {
    update([&value](T& held) { held = value; });
  }
  /// Calls `f(T&)` to change the value in place; it starts as T{} where there is none.
  template <class F>
  void update(F&& f) const {
    f(this->cell().open());
    this->cell().settle();
  }
  void clear() const { this->cell().erase(); }

 private:
  template <class Key>
  friend class States;
  explicit ValueState(ValueCell<T>* cell) : detail::Handle<T>(cell) {}
};

/// Keeps a list per key. See ValueState.
///
/// Cost: the first change after a snapshot copies the list.
template <class T>
class ListState : detail::CollectionHandle<StateBox<detail::ListBody<T>>, detail::ExpiringList<T>> {
  using Body = detail::ListBody<T>;
  using Box = StateBox<Body>;
  using Base = detail::CollectionHandle<Box, detail::ExpiringList<T>>;

 public:
  ListState() = default;

  void add(const T& item) const {
    if (this->expires()) [[unlikely]]
      return this->expiring().add(item);
    auto& cell = this->cell();
    Body& body = cell.open().open(cell);
    body.text.keep(body.items.emplace_back(item));
  }
  template <class Range>
  void add_all(const Range& items) const {
    for (const T& item : items) {
      add(item);
    }
  }
  /// The items in the order they were added. The range is valid until the list changes.
  std::span<const T> get() const {
    if (this->expires()) [[unlikely]]
      return this->expiring().get();
    const Box* box = this->cell().find();
    return box != nullptr ? std::span<const T>(box->get()->items) : std::span<const T>();
  }
  bool empty() const {
    return this->expires() ? this->expiring().get().empty() : this->cell().find() == nullptr;
  }
  /// Replaces the list; by an empty one is to clear it.
  void update(std::vector<T> items) const {
    if (this->expires()) [[unlikely]]
      return this->expiring().update(std::move(items));
    auto& cell = this->cell();
    if (items.empty()) {
      cell.erase();
      return;
    }
    Body& body = cell.open().replace(cell);
    body.items = std::move(items);
    for (T& item : body.items) {
      body.text.keep(item);
    }
  }
  void clear() const { this->expires() ? this->expiring().clear() : this->cell().erase(); }

 private:
  template <class Key>
  friend class States;
  explicit ListState(ValueCell<Box>* cell) : Base(cell) {}
  explicit ListState(detail::ExpiringList<T>* expiring) : Base(expiring) {}
};

/// Keeps a map per key, in the order of the encoded user keys. See ValueState.
///
/// Cost: get O(log entries); put of a new key and remove O(entries) moves; the first change after a
///       snapshot copies the map.
template <class K, class V>
class MapState
    : detail::CollectionHandle<StateBox<detail::MapBody<K, V>>, detail::ExpiringMap<K, V>> {
  using Body = detail::MapBody<K, V>;
  using Box = StateBox<Body>;
  using Base = detail::CollectionHandle<Box, detail::ExpiringMap<K, V>>;

 public:
  MapState() = default;

  /// The value, or null. Valid until the map changes.
  const V* get(const K& key) const {
    if (this->expires()) [[unlikely]]
      return this->expiring().get(key);
    const Box* box = this->cell().find();
    const MapEntry<K, V>* entry = box != nullptr ? box->get()->find(key) : nullptr;
    return entry != nullptr ? &entry->value : nullptr;
  }
  bool contains(const K& key) const { return get(key) != nullptr; }
  void put(const K& key, V value) const {
    update(key, [&value](V& held) { held = std::move(value); });
  }
  /// Calls `f(V&)` to change the value in place; it starts as V{} where there is none.
  template <class F>
  void update(const K& key, F&& f) const {
    if (this->expires()) [[unlikely]]
      return this->expiring().update(key, f);
    auto& cell = this->cell();
    Body& body = cell.open().open(cell);
    V& value = body.find_or_insert(key);
    body.text.drop(value);
    f(value);
    body.text.keep(value);
  }
  /// Returns whether there was one.
  bool remove(const K& key) const {
    if (this->expires()) [[unlikely]]
      return this->expiring().remove(key);
    auto& cell = this->cell();
    if (get(key) == nullptr) {
      return false;
    }
    if (cell.find()->get()->entries.size() == 1) {
      cell.erase();
      return true;
    }
    Body& body = cell.open().open(cell);
    body.remove_at(body.lower_bound(key) - body.entries.begin());
    return true;
  }
  /// All entries, each with `key` and `value`. The range is valid until the map changes.
  std::span<const MapEntry<K, V>> entries() const {
    if (this->expires()) [[unlikely]]
      return this->expiring().entries();
    const Box* box = this->cell().find();
    return box != nullptr ? std::span<const MapEntry<K, V>>(box->get()->entries)
                          : std::span<const MapEntry<K, V>>();
  }
  std::size_t size() const { return entries().size(); }
  bool empty() const { return entries().empty(); }
  void clear() const { this->expires() ? this->expiring().clear() : this->cell().erase(); }

 private:
  template <class Key>
  friend class States;
  explicit MapState(ValueCell<Box>* cell) : Base(cell) {}
  explicit MapState(detail::ExpiringMap<K, V>* expiring) : Base(expiring) {}
};

/// Keeps one value per key, into which a function folds what is added. See ValueState.
template <class T>
class ReducingState : detail::Handle<T> {
 public:
  ReducingState() = default;

  void add(const T& item) const {
    auto& cell = this->cell();
    const bool is_first = cell.find() == nullptr;
    T& value = cell.open();
    value = is_first ? item : reduce_(value, item);
    cell.settle();
  }
  /// What was added, reduced; null if nothing was.
  const T* get() const { return this->cell().find(); }
  void clear() const { this->cell().erase(); }

 private:
  template <class Key>
  friend class States;
  using Reduce = std::function<T(const T&, const T&)>;
  ReducingState(ValueCell<T>* cell, Reduce reduce)
      : detail::Handle<T>(cell), reduce_(std::move(reduce)) {}

  Reduce reduce_;
};

/// Keeps an accumulator per key, to which inputs of another type are added. See ValueState.
template <class In, class Acc, class Out>
class AggregatingState : detail::Handle<Acc> {
 public:
  AggregatingState() = default;

  void add(const In& item) const {
    add_(this->cell().open(), item);
    this->cell().settle();
  }
  /// The result of what was added; nothing if nothing was.
  std::optional<Out> get() const {
    const Acc* accumulator = this->cell().find();
    return accumulator != nullptr ? std::optional<Out>(result_(*accumulator)) : std::nullopt;
  }
  void clear() const { this->cell().erase(); }

 private:
  template <class Key>
  friend class States;
  using Add = std::function<void(Acc&, const In&)>;
  using Finish = std::function<Out(const Acc&)>;
  AggregatingState(ValueCell<Acc>* cell, Add add, Finish result)
      : detail::Handle<Acc>(cell), add_(std::move(add)), result_(std::move(result)) {}

  Add add_;
  Finish result_;
};

/// The state tables of one operator subtask, and the key that the keyed ones are used under.
///
/// Thread: the subtask's.
template <class Key>
class KeyedStates : public detail::OperatorTables {
 public:
  /// Sets the key for what handles do from now on. `key` must live until the next change.
  void set_key(const Key& key, std::uint32_t hash) {
    WEIR_DCHECK(hash == key_hash(key));
    context_.key = &key;
    context_.hash = hash;
    ++context_.sequence;
  }
  /// From now on there is no key.
  void clear_key() {
    context_.key = nullptr;
    ++context_.sequence;
  }

  /// Where states with a time-to-live have their time from; before they are added. `clock` outlives
  /// this.
  void use_clock(const Clock& clock) { time_.use(clock); }
  /// A call of the operator begins: time goes on.
  void begin_call() {
    if (expires_) time_.advance();
  }

  /// Adds a table of its own, for an operator of Weir's. Before `register_all`.
  template <class Value>
  KeyedTable<Key, Value>& add(StateDescriptor descriptor) {
    using Table = KeyedTable<Key, Value>;
    Table& reference = own(std::make_unique<Table>(std::move(descriptor), context_));
    load_ahead(reference);
    return reference;
  }
  /// Adds a table with a time-to-live: a detail::ExpiringTable of some kind.
  template <class Table>
  Table& add_expiring(StateDescriptor descriptor, const Ttl& ttl) {
    expires_ = true;
    time_.advance();
    Table& reference = own(std::make_unique<Table>(std::move(descriptor), ttl, context_, time_));
    load_ahead(reference.table());
    return reference;
  }

  /// Whether some entries may not be in memory. Then `want` asks for those that will be used.
  bool is_evicting() const {
    return !ahead_.empty() && std::any_of(tables_.begin(), tables_.end(), [](const auto& table) {
      EvictableTable* const evictable = table->evictable();
      return evictable != nullptr && evictable->is_evicting();
    });
  }
  void want(const Key& key, std::uint32_t hash) {
    for (const Ahead& ahead : ahead_) {
      ahead.want(ahead.table, key, hash);
    }
  }

  /// Whether the tables have outgrown the cache, so that it pays to load entries ahead.
  bool is_large() const {
    constexpr std::size_t kEntriesInCache = 16384;
    for (const auto& table : tables_) {
      if (table->entry_count() > kEntriesInCache) {
        return true;
      }
    }
    return false;
  }
  /// Loads what a lookup under `hash` touches first; half as many keys ahead, `prefetch_entry`.
  void prefetch(std::uint32_t hash) const {
    for (const Ahead& ahead : ahead_) {
      ahead.index(ahead.table, hash);
    }
  }
  void prefetch_entry(std::uint32_t hash) const {
    for (const Ahead& ahead : ahead_) {
      ahead.entry(ahead.table, hash);
    }
  }

 private:
  // How to load ahead from a table whose type is not known here.
  struct Ahead {
    void* table;
    void (*index)(void*, std::uint32_t);
    void (*entry)(void*, std::uint32_t);
    void (*want)(void*, const Key&, std::uint32_t);
  };

  template <class Value>
  void load_ahead(KeyedTable<Key, Value>& table) {
    using Table = KeyedTable<Key, Value>;
    ahead_.push_back(
        {&table, [](void* held, std::uint32_t hash) { static_cast<Table*>(held)->prefetch(hash); },
         [](void* held, std::uint32_t hash) { static_cast<Table*>(held)->prefetch_entry(hash); },
         [](void* held, const Key& key, std::uint32_t hash) {
           static_cast<Table*>(held)->want(key, hash);
         }});
  }

  KeyContext context_;
  StateTime time_;
  bool expires_ = false;  // whether any table has a time-to-live
  std::vector<Ahead> ahead_;
};

/// Where a user's function with keys declares its states, each under a name of its own. See
/// OperatorStates.
///
/// Thread: the subtask's.
template <class Key>
class States : public OperatorStates {
 public:
  /// For building the graph.
  States() = default;
  /// For running. `tables` outlives the handles.
  explicit States(KeyedStates<Key>& tables) : OperatorStates(tables), tables_(&tables) {}

  template <class T>
  ValueState<T> value(std::string name) {
    return ValueState<T>(cell<T>(std::move(name), StateKind::kValue, type_info<T>()));
  }
  template <class T>
  ValueState<T> value(std::string name, const Ttl& ttl) {
    return ValueState<T>(expiring<T>(std::move(name), StateKind::kValue, ttl));
  }
  template <class T>
  ListState<T> list(std::string name) {
    using Box = StateBox<detail::ListBody<T>>;
    return ListState<T>(cell<Box>(std::move(name), StateKind::kList, type_info<std::vector<T>>()));
  }
  template <class T>
  ListState<T> list(std::string name, const Ttl& ttl) {
    return ListState<T>(expiring_entries<detail::ExpiringList<T>>(
        std::move(name), StateKind::kList, type_info<std::vector<T>>(), ttl));
  }
  template <class K, class V>
  MapState<K, V> map(std::string name) {
    using Box = StateBox<detail::MapBody<K, V>>;
    return MapState<K, V>(cell<Box>(std::move(name), StateKind::kMap, map_type_info<K, V>()));
  }
  template <class K, class V>
  MapState<K, V> map(std::string name, const Ttl& ttl) {
    return MapState<K, V>(expiring_entries<detail::ExpiringMap<K, V>>(
        std::move(name), StateKind::kMap, map_type_info<K, V>(), ttl));
  }
  /// `reduce(T, T)` gives a T; it should be associative, for it may be applied in any grouping.
  template <class T, class Reduce>
  ReducingState<T> reducing(std::string name, Reduce reduce) {
    return ReducingState<T>(cell<T>(std::move(name), StateKind::kReducing, type_info<T>()),
                            std::move(reduce));
  }
  template <class T, class Reduce>
  ReducingState<T> reducing(std::string name, Reduce reduce, const Ttl& ttl) {
    return ReducingState<T>(expiring<T>(std::move(name), StateKind::kReducing, ttl),
                            std::move(reduce));
  }
  /// `add(Acc&, In)` changes the accumulator, which starts as Acc{}; `result(Acc)` gives an Out.
  template <class In, class Acc, class Out, class Add, class Finish>
  AggregatingState<In, Acc, Out> aggregating(std::string name, Add add, Finish result) {
    return AggregatingState<In, Acc, Out>(
        cell<Acc>(std::move(name), StateKind::kAggregating, type_info<Acc>()), std::move(add),
        std::move(result));
  }
  template <class In, class Acc, class Out, class Add, class Finish>
  AggregatingState<In, Acc, Out> aggregating(std::string name, Add add, Finish result,
                                             const Ttl& ttl) {
    return AggregatingState<In, Acc, Out>(
        expiring<Acc>(std::move(name), StateKind::kAggregating, ttl), std::move(add),
        std::move(result));
  }

 private:
  template <class K, class V>
  static const TypeInfo& map_type_info() {
    return type_info<std::map<K, V, KeyLess<K>>>();  // K need not have an order of its own
  }

  template <class Value>
  ValueCell<Value>* cell(std::string name, StateKind kind, const TypeInfo& value_type) {
    const bool is_new = note(std::move(name), kind, value_type, std::nullopt);
    return is_new && tables_ != nullptr ? &tables_->template add<Value>(this->descriptors().back())
                                        : nullptr;
  }
  template <class T>
  ValueCell<T>* expiring(std::string name, StateKind kind, const Ttl& ttl) {
    using Table = detail::ExpiringValues<Key, T>;
    return expiring_table<Table>(std::move(name), kind, type_info<T>(), ttl);
  }
  template <class Entries>
  Entries* expiring_entries(std::string name, StateKind kind, const TypeInfo& value_type,
                            const Ttl& ttl) {
    using Table = detail::ExpiringCollections<Key, Entries>;
    Table* const table = expiring_table<Table>(std::move(name), kind, value_type, ttl);
    return table != nullptr ? &table->entries() : nullptr;
  }
  template <class Table>
  Table* expiring_table(std::string name, StateKind kind, const TypeInfo& value_type,
                        const Ttl& ttl) {
    const bool is_new = note(std::move(name), kind, value_type, ttl.duration());
    return is_new && tables_ != nullptr
               ? &tables_->template add_expiring<Table>(this->descriptors().back(), ttl)
               : nullptr;
  }

  // Returns false for what is a mistake.
  bool note(std::string name, StateKind kind, const TypeInfo& value_type,
            std::optional<Duration> ttl) {
    if (ttl && *ttl <= Duration::zero()) {
      add_mistake("state '" + name + "' has a time-to-live of " + to_string(*ttl));
      return false;
    }
    return OperatorStates::note({std::move(name), kind, StateDistribution::kKeyed,
                                 schema_text<Key>(), schema_text(value_type), &value_type, ttl});
  }

  KeyedStates<Key>* tables_ = nullptr;
};

}  // namespace weir
