// SPDX-License-Identifier: Apache-2.0
// BroadcastState, OperatorListState: state of a subtask, not of a key, as user functions hold it.
// OperatorStates: where a function without keys declares it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/broadcast_table.h"
#include "api/operators/function_traits.h"
#include "api/operators/item_state.h"
#include "base/check.h"
#include "core/state_table.h"

namespace weir {

class BroadcastContext;
class OperatorStates;

/// Reads a map that every subtask has whole: what the records of a broadcast stream made of it, in
/// the order of the encoded keys. `BroadcastContext::write` changes it.
///
/// A handle may be copied; copies mean the same state. What it returns is valid until the map
/// changes.
///
/// Errors: use of a handle that declare() did not bind is a programmer error and aborts.
/// Thread: the subtask's. Cost: get O(log entries); held in memory.
template <class K, class V>
class BroadcastState {
 public:
  BroadcastState() = default;

  /// The value, or null.
  const V* get(const K& key) const { return table().find(key); }
  bool contains(const K& key) const { return get(key) != nullptr; }
  /// All entries, each with `key` and `value`.
  std::span<const MapEntry<K, V>> entries() const { return table().entries(); }
  std::size_t size() const { return entries().size(); }
  bool empty() const { return entries().empty(); }

  // Whoever has the handle alone only reads.
#define WEIR_READ_ONLY(method)                                                         \
  template <class... Args>                                                             \
  void method(const Args&...) const {                                                  \
    static_assert(detail::kNever<Args...>,                                             \
                  "weir: broadcast state is written by process_broadcast(...) alone: " \
                  "context.write(state)." #method "(...)");                            \
  }
  WEIR_READ_ONLY(put)
  WEIR_READ_ONLY(update)
  WEIR_READ_ONLY(remove)
  WEIR_READ_ONLY(clear)
#undef WEIR_READ_ONLY

 private:
  friend class BroadcastContext;
  friend class OperatorStates;
  explicit BroadcastState(BroadcastTable<K, V>* table) : table_(table) {}
  BroadcastTable<K, V>& table() const {
    WEIR_CHECK(table_ != nullptr && "a state handle is used that declare() did not bind");
    return *table_;
  }

  BroadcastTable<K, V>* table_ = nullptr;
};

/// Changes broadcast state. Every subtask sees the same records, but those of different producers
/// in an order of its own: what they make of the map must not depend on that order.
///
/// Thread: the subtask's, within the call of `process_broadcast`.
/// Cost:   the first change after a snapshot copies the map.
template <class K, class V>
class BroadcastWriter {
 public:
  void put(const K& key, V value) const {
    update(key, [&value](V& held) { held = std::move(value); });
  }
  /// Calls `f(V&)` to change the value in place; it starts as V{} where there is none.
  template <class F>
  void update(const K& key, F&& f) const {
    table_.update(key, std::forward<F>(f));
  }
  /// Returns whether there was one.
  bool remove(const K& key) const { return table_.erase(key); }
  void clear() const { table_.clear(); }

 private:
  friend class BroadcastContext;
  explicit BroadcastWriter(BroadcastTable<K, V>& table) : table_(table) {}
  BroadcastTable<K, V>& table_;
};

/// Keeps a list per subtask, of whatever keys the records have that made it.
///
/// Restored at the same parallelism, each subtask has its own items again. At another one, items of
/// a split list are dealt out in turn. Of a union list every subtask gets all items of all, at any
/// parallelism, and keeps what it wants by `set`: if all keep all, they multiply.
///
/// Thread: the subtask's. Cost: stored as a whole in every snapshot, which copies the list.
template <class T>
class OperatorListState {
 public:
  OperatorListState() = default;

  /// The items; valid until the list changes.
  std::span<const T> get() const { return items().items(); }
  bool empty() const { return get().empty(); }
  void add(const T& item) const { items().add(item); }
  void set(std::vector<T> all) const { items().set(std::move(all)); }
  void clear() const { items().set({}); }

 private:
  friend class OperatorStates;
  explicit OperatorListState(ItemState<T>* items) : items_(items) {}
  ItemState<T>& items() const {
    WEIR_CHECK(items_ != nullptr && "a state handle is used that declare() did not bind");
    return *items_;
  }

  ItemState<T>* items_ = nullptr;
};

namespace detail {

/// The state tables of one operator subtask.
///
/// Thread: the subtask's.
class OperatorTables {
 public:
  OperatorTables() = default;
  OperatorTables(const OperatorTables&) = delete;
  OperatorTables& operator=(const OperatorTables&) = delete;

  /// Adds a table. Before `register_all`.
  template <class Table>
  Table& own(std::unique_ptr<Table> table) {
    Table& reference = *table;
    tables_.push_back(std::move(table));
    return reference;
  }
  /// Announces every table, which restores it. Called by the operator as it opens.
  void register_all(StateRegistry& registry) {
    for (const auto& table : tables_) {
      registry.add(*table);
    }
  }

 protected:
  std::vector<std::unique_ptr<StateTable>> tables_;
};

}  // namespace detail

/// Where a user's function declares states that belong to the subtask, each under a name of its
/// own.
///
/// While the graph is built it only notes what is declared, and the handles stay unbound; in a
/// running job it makes the tables and binds the handles.
///
/// Thread: the subtask's.
class OperatorStates {
 public:
  /// For building the graph.
  OperatorStates() = default;
  /// For running. `tables` outlives the handles.
  explicit OperatorStates(detail::OperatorTables& tables) : owner_(&tables) {}

  /// The state that `stream.broadcast(name)` is for; both sides read it, one writes it.
  template <class K, class V>
  BroadcastState<K, V> broadcast(std::string name) {
    using Table = BroadcastTable<K, V>;
    return BroadcastState<K, V>(table<Table>(Table::describe(std::move(name))));
  }
  /// A list whose items are dealt out in turn when the parallelism changes.
  template <class T>
  OperatorListState<T> split_list(std::string name) {
    return OperatorListState<T>(items<T>(std::move(name), StateDistribution::kSplit));
  }
  /// A list of which every subtask gets the items of all when it is restored.
  template <class T>
  OperatorListState<T> union_list(std::string name) {
    return OperatorListState<T>(items<T>(std::move(name), StateDistribution::kUnion));
  }

  /// What was declared, in order.
  const std::vector<StateDescriptor>& descriptors() const { return descriptors_; }
  /// What is wrong with it, a sentence each.
  const std::vector<std::string>& mistakes() const { return mistakes_; }

 protected:
  void add_mistake(std::string mistake) { mistakes_.push_back(std::move(mistake)); }
  /// Notes a state; false if it cannot have that name.
  bool note(StateDescriptor descriptor) {
    if (descriptor.name.empty()) {
      mistakes_.push_back("a state has an empty name");
      return false;
    }
    for (const StateDescriptor& other : descriptors_) {
      if (other.name == descriptor.name) {
        mistakes_.push_back("two states have the name '" + descriptor.name + "'");
        return false;
      }
    }
    descriptors_.push_back(std::move(descriptor));
    return true;
  }

 private:
  template <class T>
  ItemState<T>* items(std::string name, StateDistribution distribution) {
    auto state = std::make_unique<ItemState<T>>(std::move(name), distribution);
    if (!note(state->descriptor()) || owner_ == nullptr) return nullptr;
    return &owner_->own(std::move(state));
  }
  template <class Table>
  Table* table(StateDescriptor descriptor) {
    if (!note(descriptor) || owner_ == nullptr) return nullptr;
    return &owner_->own(std::make_unique<Table>(std::move(descriptor)));
  }

  detail::OperatorTables* owner_ = nullptr;
  std::vector<StateDescriptor> descriptors_;
  std::vector<std::string> mistakes_;
};

}  // namespace weir
