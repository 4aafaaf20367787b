// SPDX-License-Identifier: Apache-2.0
// What list and map states hold per key, and what they are in a snapshot.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/keyed_table.h"
#include "core/time_to_live.h"

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
  /// As `open`, but always a copy: what was found before stays as it is.
  Body& open_copy(ValueCell<StateBox>& cell) {
    cell.retire(std::exchange(body_, detail::SharedRef<Body>::make(std::as_const(*body_))));
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

/// For lists and maps without a time-to-live: nothing is noted.
struct NoTimes {
  static constexpr bool kAreKept = false;
};

/// When each entry of a list or map was last updated, by index.
struct EntryTimes {
  static constexpr bool kAreKept = true;
  std::vector<ProcessingTime> at;
  /// None is older. Learnt also while snapshots hold the entries: they do not look at it.
  mutable ProcessingTime oldest = ProcessingTime::max();

  void insert(std::ptrdiff_t index) { at.insert(at.begin() + index, ProcessingTime::none()); }
  void set(std::size_t index, ProcessingTime time) {
    at[index] = time;
    oldest = std::min(oldest, time);
  }
};

template <class T, class Times = NoTimes>
struct ListBody final : SharedBody {
  ListBody() = default;
  ListBody(const ListBody& other) : SharedBody(other), items(other.items), times(other.times) {
    for (T& item : items) {
      text.keep(item);
    }
  }
  void begin_epoch(std::uint32_t) {}
  std::vector<T> items;
  StateTextFor<T> text;
  [[no_unique_address]] Times times;  // from old to new
};

template <class K, class V, class Times = NoTimes>
struct MapBody final : SharedBody {
  using Entry = MapEntry<K, V>;
  MapBody() = default;
  MapBody(const MapBody& other)
      : SharedBody(other), entries(other.entries), changes(other.changes), times(other.times) {
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
  /// Returns the entry of `key`, whose value is to be changed; made from nothing if there is none.
  Entry& open_entry(const K& key) {
    auto place = entries.begin() + (lower_bound(key) - entries.begin());
    const auto index = place - entries.begin();
    if (place == entries.end() || KeyLess<K>()(key, place->key)) {
      place = entries.insert(place, Entry{key, V{}});
      text.keep(place->key);
      if constexpr (Times::kAreKept) times.insert(index);
      if (changes.epoch != 0) changes.changed.insert(changes.changed.begin() + index, true);
    } else if (changes.epoch != 0) {
      changes.changed[static_cast<std::size_t>(index)] = true;
    }
    return *place;
  }
  V& find_or_insert(const K& key) { return open_entry(key).value; }
  /// Removes the entry at `index`.
  void remove_at(std::ptrdiff_t index) {
    const auto place = entries.begin() + index;
    text.drop(place->key);
    text.drop(place->value);
    if constexpr (Times::kAreKept) times.at.erase(times.at.begin() + index);
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
  [[no_unique_address]] Times times;
};

}  // namespace detail

/// A list is one entry per key.
template <class T, class Times>
struct StateFormat<StateBox<detail::ListBody<T, Times>>> {
  using Box = StateBox<detail::ListBody<T, Times>>;
  static Status write(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                      const Box& box, ByteWriter& scratch) {
    scratch.clear();
    if constexpr (Times::kAreKept) put_item_times(scratch, box.get()->times.at);
    Serializer<std::vector<T>>::encode(scratch, box.get()->items);
    return sink.entry(hash, key, scratch.view());
  }
  static void read(ByteReader& rest, ByteReader& in, TextMaker& text, Box& box) {
    if (!rest.is_at_end()) {
      throw DecodeError("bytes after the key of a list", rest.offset());
    }
    auto& body = box.restored();
    if constexpr (Times::kAreKept) {
      body.times.at = get_item_times(in);
      body.times.oldest = body.times.at.front();
    }
    body.items = Serializer<std::vector<T>>::decode(in, text);
    if constexpr (Times::kAreKept) {
      if (body.items.size() != body.times.at.size()) {
        throw DecodeError("more items than times, or fewer", in.offset());
      }
    }
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
template <class K, class V, class Times>
struct StateFormat<StateBox<detail::MapBody<K, V, Times>>> {
  using Box = StateBox<detail::MapBody<K, V, Times>>;
  static Status write(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                      const Box& box, ByteWriter& scratch) {
    std::string whole = key;
    for (std::size_t i = 0; i < box.get()->entries.size(); ++i) {
      WEIR_RETURN_IF_ERROR(write_at(sink, hash, whole, key.size(), *box.get(), i, scratch));
    }
    return Status::ok();
  }
  static void read(ByteReader& rest, ByteReader& in, TextMaker& text, Box& box) {
    auto& body = box.restored();
    // Entries come in order, so each is put at the end.
    MapEntry<K, V>& entry = body.open_entry(decode_key<K>(rest, text));
    if (!rest.is_at_end()) {
      throw DecodeError("bytes after the key of a map entry", rest.offset());
    }
    if constexpr (Times::kAreKept) {
      const auto index = static_cast<std::size_t>(&entry - body.entries.data());
      body.times.set(index, get_update_time(in));
    }
    entry.value = Serializer<V>::decode(in, text);
    body.text.keep(entry.value);
  }
  static Status write_changes(StateEntrySink& sink, std::uint32_t hash, const std::string& key,
                              const Box& box, bool is_stored, ByteWriter& scratch) {
    const auto& body = *box.get();
    std::string whole = key;
    WEIR_RETURN_IF_ERROR(erase_removed(sink, hash, whole, body));
    for (std::size_t i = 0; i < body.entries.size(); ++i) {
      if (is_stored && !body.changes.changed[i]) continue;
      WEIR_RETURN_IF_ERROR(write_at(sink, hash, whole, key.size(), body, i, scratch));
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
  using Body = detail::MapBody<K, V, Times>;
  // `whole` begins with the key, of `key_size` bytes.
  static Status write_at(StateEntrySink& sink, std::uint32_t hash, std::string& whole,
                         std::size_t key_size, const Body& body, std::size_t index,
                         ByteWriter& scratch) {
    whole.resize(key_size);
    encode_key(whole, body.entries[index].key);
    scratch.clear();
    if constexpr (Times::kAreKept) put_update_time(scratch, body.times.at[index]);
    Serializer<V>::encode(scratch, body.entries[index].value);
    return sink.entry(hash, whole, scratch.view());
  }
  // `whole` begins with the key.
  static Status erase_removed(StateEntrySink& sink, std::uint32_t hash, std::string& whole,
                              const Body& body) {
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
