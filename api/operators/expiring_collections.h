// SPDX-License-Identifier: Apache-2.0
// ExpiringList, ExpiringMap: lists and maps whose entries have a time-to-live, each for itself.
#pragma once

#include <weir/ttl.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "api/operators/state_collections.h"

namespace weir::detail {

/// The time-to-live of one state and what it means now.
class Expiry {
 public:
  /// `time` outlives this.
  Expiry(const Ttl& ttl, const StateTime& time) : ttl_(ttl), time_(&time) {}
  ProcessingTime now() const { return time_->now(); }
  /// What was updated then or before has expired.
  ProcessingTime through() const { return now() - ttl_.duration(); }
  bool hides(ProcessingTime updated_at) const {
    return updated_at <= through() && !ttl_.is_shown_until_removed();
  }
  /// Whether a read must note that it read what was updated then.
  bool renews(ProcessingTime updated_at) const {
    return ttl_.is_renewed_by_reads() && updated_at > through() && updated_at < now();
  }
  bool renews() const { return ttl_.is_renewed_by_reads(); }
  bool hides() const { return !ttl_.is_shown_until_removed(); }

 private:
  Ttl ttl_;
  const StateTime* time_;
};

/// How much of what lies under one key has expired.
enum class Expired { kNothing, kSome, kAll };

template <class T>
Expired how_much_expired(const Stamped<T>& value, ProcessingTime through) {
  return value.updated_at <= through ? Expired::kAll : Expired::kNothing;
}

/// A list with a time-to-live under the current key. See ListState.
template <class T>
class ExpiringList {
 public:
  using Body = ListBody<T, EntryTimes>;
  using Box = StateBox<Body>;

  ExpiringList(ValueCell<Box>& cell, const Expiry& expiry) : cell_(&cell), expiry_(&expiry) {}

  void add(const T& item) {
    Body& body = cell_->open().open(*cell_);
    body.text.keep(body.items.emplace_back(item));
    append_time(body);
    // Half of the list or more: so each item is moved once.
    const std::size_t expired = num_expired(body, expiry_->through());
    if (expiry_->hides() && 2 * expired >= body.items.size()) {
      remove_first(body, expired);
    }
  }
  std::span<const T> get() {
    const Box* box = cell_->find();
    if (box == nullptr) {
      return {};
    }
    const Body* body = box->get();
    const std::size_t expired = num_expired(*body, expiry_->through());
    const std::size_t hidden = expiry_->hides() ? expired : 0;
    if (hidden == body->items.size()) {
      cell_->erase();
      return {};
    }
    if (expired < body->items.size() && expiry_->renews(body->times.at[expired])) {
      Body& opened = cell_->open().open(*cell_);
      for (std::size_t i = expired; i < opened.items.size(); ++i) {
        opened.times.at[i] = std::max(opened.times.at[i], expiry_->now());
      }
      body = &opened;
    }
    return std::span<const T>(body->items).subspan(hidden);
  }
  void update(std::vector<T> items) {
    if (items.empty()) {
      cell_->erase();
      return;
    }
    Body& body = cell_->open().replace(*cell_);
    body.items = std::move(items);
    for (T& item : body.items) {
      body.text.keep(item);
    }
    body.times.at.assign(body.items.size(), expiry_->now());
    body.times.oldest = expiry_->now();
  }
  void clear() { cell_->erase(); }

  static Expired how_much_expired(const Body& body, ProcessingTime through) {
    const std::size_t expired = num_expired(body, through);
    return expired == 0                   ? Expired::kNothing
           : expired == body.items.size() ? Expired::kAll
                                          : Expired::kSome;
  }
  /// Removes what has expired. Requires: not everything has.
  static void remove_expired(Body& body, ProcessingTime through) {
    remove_first(body, num_expired(body, through));
  }

 private:
  // Times never fall: a clock that was set back between two attempts must not mix up the order.
  void append_time(Body& body) {
    std::vector<ProcessingTime>& at = body.times.at;
    at.push_back(at.empty() ? expiry_->now() : std::max(at.back(), expiry_->now()));
    body.times.oldest = at.front();
  }
  static std::size_t num_expired(const Body& body, ProcessingTime through) {
    const std::vector<ProcessingTime>& at = body.times.at;
    if (at.empty() || at.front() > through) {
      return 0;
    }
    return static_cast<std::size_t>(std::upper_bound(at.begin(), at.end(), through) - at.begin());
  }
  static void remove_first(Body& body, std::size_t count) {
    const auto end = static_cast<std::ptrdiff_t>(count);
    for (std::size_t i = 0; i < count; ++i) {
      body.text.drop(body.items[i]);
    }
    body.items.erase(body.items.begin(), body.items.begin() + end);
    body.times.at.erase(body.times.at.begin(), body.times.at.begin() + end);
    body.times.oldest = body.times.at.front();
  }

  ValueCell<Box>* cell_;
  const Expiry* expiry_;
};

/// A map with a time-to-live for each entry, under the current key. See MapState.
template <class K, class V>
class ExpiringMap {
 public:
  using Body = MapBody<K, V, EntryTimes>;
  using Box = StateBox<Body>;
  using Entry = MapEntry<K, V>;

  ExpiringMap(ValueCell<Box>& cell, const Expiry& expiry) : cell_(&cell), expiry_(&expiry) {}

  const V* get(const K& key) {
    const Box* box = cell_->find();
    const Entry* entry = box != nullptr ? box->get()->find(key) : nullptr;
    if (entry == nullptr) {
      return nullptr;
    }
    const std::size_t index = index_of(*box->get(), *entry);
    const ProcessingTime updated_at = box->get()->times.at[index];
    if (expiry_->hides(updated_at)) {
      return nullptr;
    }
    if (expiry_->renews(updated_at)) {
      entry = &touch(cell_->open().open(*cell_), index);
    }
    return &entry->value;
  }
  template <class F>
  void update(const K& key, F&& f) {
    Body& body = cell_->open().open(*cell_);
    Entry& entry = body.open_entry(key);
    const std::size_t index = index_of(body, entry);
    body.text.drop(entry.value);
    if (expiry_->hides(body.times.at[index])) {
      entry.value = V{};
    }
    f(entry.value);
    body.text.keep(entry.value);
    body.times.set(index, expiry_->now());
  }
  bool remove(const K& key) {
    const Box* box = cell_->find();
    const Entry* entry = box != nullptr ? box->get()->find(key) : nullptr;
    if (entry == nullptr) {
      return false;
    }
    const std::size_t index = index_of(*box->get(), *entry);
    const bool was_there = !expiry_->hides(box->get()->times.at[index]);
    if (box->get()->entries.size() == 1) {
      cell_->erase();
    } else {
      cell_->open().open(*cell_).remove_at(static_cast<std::ptrdiff_t>(index));
    }
    return was_there;
  }
  std::span<const Entry> entries() {
    const Box* box = cell_->find();
    if (box == nullptr) {
      return {};
    }
    const Body* body = box->get();
    if (expiry_->hides()) {
      switch (how_much_expired(*body, expiry_->through())) {
        case Expired::kNothing: break;
        case Expired::kSome: {
          // What this call was shown before must stay readable, for it changed nothing.
          Body& rest = cell_->open().open_copy(*cell_);
          remove_expired(rest, expiry_->through());
          body = &rest;
          break;
        }
        case Expired::kAll: cell_->erase(); return {};
      }
    }
    return expiry_->renews() ? renewed(*body).entries : body->entries;
  }
  void clear() { cell_->erase(); }

  /// Learns how old the oldest entry is.
  static Expired how_much_expired(const Body& body, ProcessingTime through) {
    if (body.times.oldest > through) {
      return Expired::kNothing;
    }
    std::size_t expired = 0;
    ProcessingTime oldest = ProcessingTime::max();
    for (const ProcessingTime time : body.times.at) {
      expired += time <= through ? 1 : 0;
      oldest = std::min(oldest, time);
    }
    body.times.oldest = oldest;
    return expired == 0                     ? Expired::kNothing
           : expired == body.entries.size() ? Expired::kAll
                                            : Expired::kSome;
  }
  /// Removes what has expired. Requires: not everything has.
  static void remove_expired(Body& body, ProcessingTime through) {
    const bool notes_changes = body.changes.epoch != 0;
    body.times.oldest = ProcessingTime::max();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < body.entries.size(); ++i) {
      Entry& entry = body.entries[i];
      const ProcessingTime time = body.times.at[i];
      if (time <= through) {
        body.text.drop(entry.key);
        body.text.drop(entry.value);
        if (notes_changes) encode_key(body.changes.removed.emplace_back(), entry.key);
        continue;
      }
      if (kept != i) body.entries[kept] = std::move(entry);
      if (notes_changes) body.changes.changed[kept] = body.changes.changed[i];
      body.times.set(kept++, time);
    }
    body.entries.erase(body.entries.begin() + static_cast<std::ptrdiff_t>(kept),
                       body.entries.end());
    body.times.at.resize(kept);
    if (notes_changes) body.changes.changed.resize(kept);
  }

 private:
  static std::size_t index_of(const Body& body, const Entry& entry) {
    return static_cast<std::size_t>(&entry - body.entries.data());
  }
  const Entry& touch(Body& body, std::size_t index) {
    if (body.changes.epoch != 0) body.changes.changed[index] = true;
    body.times.set(index, expiry_->now());
    return body.entries[index];
  }
  const Body& renewed(const Body& body) {
    const std::vector<ProcessingTime>& at = body.times.at;
    const auto renews = [this](ProcessingTime time) { return expiry_->renews(time); };
    if (std::none_of(at.begin(), at.end(), renews)) {
      return body;
    }
    Body& opened = cell_->open().open(*cell_);
    for (std::size_t i = 0; i < opened.entries.size(); ++i) {
      if (renews(opened.times.at[i])) touch(opened, i);
    }
    return opened;
  }

  ValueCell<Box>* cell_;
  const Expiry* expiry_;
};

template <class T>
Expired how_much_expired(const StateBox<ListBody<T, EntryTimes>>& box, ProcessingTime through) {
  return ExpiringList<T>::how_much_expired(*box.get(), through);
}
template <class K, class V>
Expired how_much_expired(const StateBox<MapBody<K, V, EntryTimes>>& box, ProcessingTime through) {
  return ExpiringMap<K, V>::how_much_expired(*box.get(), through);
}
template <class T>
void remove_expired(ListBody<T, EntryTimes>& body, ProcessingTime through) {
  ExpiringList<T>::remove_expired(body, through);
}
template <class K, class V>
void remove_expired(MapBody<K, V, EntryTimes>& body, ProcessingTime through) {
  ExpiringMap<K, V>::remove_expired(body, through);
}

/// How many times are looked at to find out.
template <class T>
std::size_t times_looked_at(const Stamped<T>&, ProcessingTime) {
  return 1;
}
template <class Body>
std::size_t times_looked_at(const StateBox<Body>& box, ProcessingTime through) {
  return box.get()->times.oldest > through ? 1 : box.get()->times.at.size();
}

/// When the oldest part of what lies under one key was last updated, or earlier.
template <class T>
ProcessingTime oldest_update(const Stamped<T>& value) {
  return value.updated_at;
}
template <class Body>
ProcessingTime oldest_update(const StateBox<Body>& box) {
  return box.get()->times.oldest;
}

}  // namespace weir::detail
