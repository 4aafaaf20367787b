// SPDX-License-Identifier: Apache-2.0
// What list and map states hold per key, and what they are in a snapshot.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/keyed_table.h"

namespace weir {

/// A value that is shared with snapshots as a whole: a list or a map. Copied before the first
/// change while somebody else holds it, and when its text is mostly dead. Empty when default-made.
///
/// `Body` derives from detail::SharedBody; copying it leaves dead text behind.
template <class Body>
class StateBox {
 public:
  const Body* get() const { return body_.get(); }

  /// The body to be changed; what it was before stays readable until the batch call ends.
  Body& open(ValueCell<StateBox>& cell) {
    if (!body_) {
      body_ = detail::SharedRef<Body>::make();
    } else if (body_.is_shared() || body_->text.is_mostly_dead()) {
      cell.retire(std::exchange(body_, detail::SharedRef<Body>::make(std::as_const(*body_))));
    }
    body_->begin_epoch(cell.epoch());
    return *body_;
  }
  /// As `open`, but empty.
  Body& replace(ValueCell<StateBox>& cell) {
    if (body_) {
      cell.retire(std::move(body_));
    }
    body_ = detail::SharedRef<Body>::make();
    body_->begin_epoch(cell.epoch());
    return *body_;
  }
  /// For restore, when nobody else holds it.
  Body& restored() {
    if (!body_) {
      body_ = detail::SharedRef<Body>::make();
    }
    return *body_;
  }

 private:
  detail::SharedRef<Body> body_;
};

/// One entry of a MapState.
template <class K, class V>
struct MapEntry {
  K key;
  V value;
};

namespace detail {

template <class T>
struct ListBody final : SharedBody {
  ListBody() = default;
  ListBody(const ListBody& other) : SharedBody(other), items(other.items) {
    for (T& item : items) {
      text.keep(item);
    }
  }
  void begin_epoch(std::uint32_t) {}
  std::vector<T> items;
  StateTextFor<T> text;
};

template <class K, class V>
struct MapBody final : SharedBody {
  using Entry = MapEntry<K, V>;
  MapBody() = default;
  MapBody(const MapBody& other)
      : SharedBody(other), entries(other.entries), changes(other.changes) {
    for (Entry& entry : entries) {
      text.keep(entry.key);
      text.keep(entry.value);
    }
  }
  /// Called before every change: what was changed before a freeze of changes is no news after it.
  void begin_epoch(std::uint32_t epoch) {
    if (changes.epoch == epoch) {
      return;
    }
    changes.epoch = epoch;
    changes.changed.assign(entries.size(), false);
    changes.removed.clear();
  }
  /// The first entry that is not before `key`.
  auto lower_bound(const K& key) const {
    return std::lower_bound(
        entries.begin(), entries.end(), key,
        [](const Entry& entry, const K& wanted) { return KeyLess<K>()(entry.key, wanted); });
  }
  const Entry* find(const K& key) const {
    const auto place = lower_bound(key);
    return place != entries.end() && !KeyLess<K>()(key, place->key) ? &*place : nullptr;
  }
  /// Returns the value of `key` to be changed, made from nothing if there is none.
  V& find_or_insert(const K& key) {
    auto place = entries.begin() + (lower_bound(key) - entries.begin());
    const auto index = place - entries.begin();
    if (place == entries.end() || KeyLess<K>()(key, place->key)) {
      place = entries.insert(place, Entry{key, V{}});
      text.keep(place->key);
      if (changes.epoch != 0) changes.changed.insert(changes.changed.begin() + index, true);
    } else if (changes.epoch != 0) {
      changes.changed[static_cast<std::size_t>(index)] = true;
    }
    return place->value;
  }
  /// Removes the entry at `index`.
  void remove_at(std::ptrdiff_t index) {
    const auto place = entries.begin() + index;
    text.drop(place->key);
    text.drop(place->value);
    if (changes.epoch != 0) {
      encode_key(changes.removed.emplace_back(), place->key);
      changes.changed.erase(changes.changed.begin() + index);
    }
    entries.erase(place);
  }

  // Since the last freeze of changes.
  struct Changes {
    std::uint32_t epoch = 0;           // 0: not tracked
    std::vector<bool> changed;         // by entry
    std::vector<std::string> removed;  // encoded; an entry that came back is among the entries
  };

  std::vector<Entry> entries;  // sorted by key
  StateTextFor<K, V> text;
  Changes changes;
};

}  // namespace detail

/// A list is one entry per key.
template <class T>
struct StateFormat<StateBox<detail::ListBody<T>>> {
  using Box = StateBox<detail::ListBody<T>>;
  static Status write(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                      const Box& box, ByteWriter& scratch) {
    scratch.clear();
    Serializer<std::vector<T>>::encode(scratch, box.get()->items);
    return sink.entry(hash, key, scratch.view());
  }
  static void read(ByteReader& rest, ByteReader& in, TextMaker& text, Box& box) {
    if (!rest.is_at_end()) {
      throw DecodeError("bytes after the key of a list", rest.offset());
    }
    auto& body = box.restored();
    body.items = Serializer<std::vector<T>>::decode(in, text);
    for (T& item : body.items) {
      body.text.keep(item);
    }
  }
  static Status write_changes(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                              const Box& box, bool, ByteWriter& scratch) {
    return write(sink, hash, key, box, scratch);
  }
  static Status write_erased(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                             const Box&) {
    return sink.erased(hash, key);
  }
};

/// A map is one entry per key and user key, the one encoded behind the other.
template <class K, class V>
struct StateFormat<StateBox<detail::MapBody<K, V>>> {
  using Box = StateBox<detail::MapBody<K, V>>;
  static Status write(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                      const Box& box, ByteWriter& scratch) {
    std::string whole = key;
    for (const MapEntry<K, V>& entry : box.get()->entries) {
      whole.resize(key.size());
      encode_key(whole, entry.key);
      scratch.clear();
      Serializer<V>::encode(scratch, entry.value);
      WEIR_RETURN_IF_ERROR(sink.entry(hash, whole, scratch.view()));
    }
    return Status::ok();
  }
  static void read(ByteReader& rest, ByteReader& in, TextMaker& text, Box& box) {
    auto& body = box.restored();
    // Entries come in order, so each is put at the end.
    V& value = body.find_or_insert(decode_key<K>(rest, text));
    if (!rest.is_at_end()) {
      throw DecodeError("bytes after the key of a map entry", rest.offset());
    }
    value = Serializer<V>::decode(in, text);
    body.text.keep(value);
  }
  static Status write_changes(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                              const Box& box, bool is_stored, ByteWriter& scratch) {
    const auto& body = *box.get();
    std::string whole = key;
    WEIR_RETURN_IF_ERROR(erase_removed(sink, hash, whole, body));
    for (std::size_t i = 0; i < body.entries.size(); ++i) {
      if (is_stored && !body.changes.changed[i]) continue;
      whole.resize(key.size());
      encode_key(whole, body.entries[i].key);
      scratch.clear();
      Serializer<V>::encode(scratch, body.entries[i].value);
      WEIR_RETURN_IF_ERROR(sink.entry(hash, whole, scratch.view()));
    }
    return Status::ok();
  }
  static Status write_erased(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                             const Box& box) {
    std::string whole = key;
    WEIR_RETURN_IF_ERROR(erase_removed(sink, hash, whole, *box.get()));
    for (const MapEntry<K, V>& entry : box.get()->entries) {
      whole.resize(key.size());
      encode_key(whole, entry.key);
      WEIR_RETURN_IF_ERROR(sink.erased(hash, whole));
    }
    return Status::ok();
  }

 private:
  // `whole` begins with the key.
  static Status erase_removed(StateEntrySink& sink, std::uint32_t hash, std::string& whole,
                              const detail::MapBody<K, V>& body) {
    const std::size_t key_size = whole.size();
    for (const std::string& removed : body.changes.removed) {
      whole.resize(key_size);
      whole += removed;
      WEIR_RETURN_IF_ERROR(sink.erased(hash, whole));
    }
    return Status::ok();
  }
};

}  // namespace weir
