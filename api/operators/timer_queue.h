// SPDX-License-Identifier: Apache-2.0
// TimerQueue: the timers of one operator subtask in one kind of time.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/change_buffer.h"
#include "core/entry_store.h"
#include "core/hash_index.h"
#include "core/keyed_table.h"
#include "core/state_table.h"
#include "types/key_codec.h"
#include "types/schema.h"

namespace weir {

/// Holds timers, unique per time and key, and gives them out by time, then by encoded key: the same
/// timers come in the same order after any restore.
///
/// `Time` is EventTime or ProcessingTime; an operator has a queue of its own for each.
///
/// Requires: `hash` is key_hash(key).
/// Thread:   the subtask's; a frozen state is written by any.
/// Cost:     O(log timers) to add and to pop.
template <class Key, class Time = EventTime>
class TimerQueue final : public StateTable {
 public:
  struct Timer {
    using TextHome = StateTextFor<Key>;
    void keep_text(TextHome& home) { home.keep(key); }
    void drop_text(TextHome& home) const { home.drop(key); }
    Time time;
    Key key;
    std::uint32_t hash;
  };

  /// `name` is the state's name in snapshots, for instance "event-time-timers".
  explicit TimerQueue(std::string name)
      : descriptor_{std::move(name), StateKind::kTimers, StateDistribution::kKeyed,
                    schema_text<Key>(), schema_text<Time>()} {}

  /// Returns false if there is this timer already.
  bool add(Time time, const Key& key, std::uint32_t hash);
  /// Returns false if there is no such timer.
  bool remove(Time time, const Key& key, std::uint32_t hash);
  /// Takes out the first timer if its time is not after `limit`, else returns null. The timer
  /// stays readable until `tidy`.
  const Timer* pop(Time limit);
  /// Calls `f(timer)` for the first timers up to `limit`, at most `count`, in their order.
  template <class F>
  void for_each_due(Time limit, std::size_t count, F&& f) const;
  /// The time of the first timer.
  std::optional<Time> next_time() const {
    return heap_.empty() ? std::nullopt : std::optional<Time>(Time(heap_.front().time));
  }
  std::size_t size() const { return store_.size(); }

  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId) override {
    return std::make_unique<Frozen>(store_.freeze());
  }
  bool can_track_changes() const override { return true; }
  void track_changes(bool is_stored) override { store_.track_changes(is_stored); }
  std::unique_ptr<FrozenState> freeze_changes() override {
    return std::make_unique<Changes>(store_.freeze_changes(), std::exchange(erased_, {}));
  }
  void restore(std::uint32_t hash, ByteView key_bytes, ByteView value) override;
  void tidy() override {
    store_.tidy();
    index_.shrink();
  }
  std::size_t memory_bytes() const override {
    return store_.memory_bytes() + index_.memory_bytes() + heap_.capacity() * sizeof(Item);
  }
  std::size_t entry_count() const override { return store_.size(); }

 private:
  using Position = detail::HashIndex::Position;
  class Frozen;
  class Changes;
  // What the heap compares without looking the timer up. `start` is how the encoded key begins.
  struct Item {
    std::int64_t time;
    std::uint64_t start;
    Position position;
    std::uint32_t index_hash;
  };

  // Timers of one key differ in time: both make the hash.
  static std::uint32_t index_hash(Time time, std::uint32_t hash) {
    return hash ^ static_cast<std::uint32_t>(
                      (static_cast<std::uint64_t>(time.millis()) * 0x9E3779B97F4A7C15U) >> 32);
  }
  static std::uint64_t key_start(const Key& key) {
    return detail::with_encoded_key(key, [](std::string_view bytes) {
      std::uint64_t start = 0;
      std::memcpy(&start, bytes.data(), bytes.size() < 8 ? bytes.size() : 8);
      return detail::big_endian(start);
    });
  }
  bool comes_before(const Item& a, const Item& b) const {
    if (a.time != b.time) {
      return a.time < b.time;
    }
    if (a.start != b.start) {
      return a.start < b.start;
    }
    return detail::compare_keys(store_.get(a.position).key, store_.get(b.position).key) < 0;
  }
  Position position_of(Time time, const Key& key, std::uint32_t hash) const {
    return index_.find(index_hash(time, hash), [&](Position position) {
      const Timer& timer = store_.get(position);
      return timer.time == time && detail::keys_equal(timer.key, key);
    });
  }
  // The key of an entry is the encoded key and the encoded time behind it; its value is empty.
  static void append_key(std::string& out, const Timer& timer) {
    encode_key(out, timer.key);
    encode_key(out, timer.time);
  }
  void take_out(Position position);
  void put(std::size_t place, const Item& item) {
    heap_[place] = item;
    places_[item.position] = static_cast<std::uint32_t>(place);
  }
  void sift_up(std::size_t place, const Item& item);
  void sift_down(std::size_t place, const Item& item);

  // Four children: less deep than two, and they share cache lines.
  static constexpr std::size_t kChildren = 4;

  StateDescriptor descriptor_;
  detail::HashIndex index_;
  detail::EntryStore<Timer> store_;
  ChangeBuffer erased_;  // since the last freeze of changes
  std::vector<Item> heap_;
  std::vector<std::uint32_t> places_;  // in the heap, by position in the store
};

// Implementation details follow.

template <class Key, class Time>
class TimerQueue<Key, Time>::Frozen final : public FrozenState {
 public:
  explicit Frozen(detail::FrozenEntries<Timer> entries) : entries_(std::move(entries)) {}
  Status write(StateEntrySink& sink) override {
    return detail::write_sorted(
        std::span(&entries_, 1),
        [](std::string& out, const Timer& timer, std::size_t) { append_key(out, timer); },
        [&sink](std::uint32_t hash, const Timer&, const std::string& key) {
          return sink.entry(hash, key, ByteView());
        });
  }

 private:
  detail::FrozenEntries<Timer> entries_;
};

template <class Key, class Time>
class TimerQueue<Key, Time>::Changes final : public FrozenState {
 public:
  Changes(detail::FrozenChanges<Timer> changed, ChangeBuffer erased)
      : changed_(std::move(changed)), buffer_(std::move(erased)) {}
  Status write(StateEntrySink& sink) override {
    std::string key;
    WEIR_RETURN_IF_ERROR(changed_.drain([&](std::uint32_t hash, const Timer& timer, bool) {
      key.clear();
      append_key(key, timer);
      return buffer_.entry(hash, key, ByteView());
    }));
    return buffer_.write(sink);
  }

 private:
  detail::FrozenChanges<Timer> changed_;
  ChangeBuffer buffer_;
};

template <class Key, class Time>
bool TimerQueue<Key, Time>::add(Time time, const Key& key, std::uint32_t hash) {
  WEIR_DCHECK(hash == key_hash(key));
  if (position_of(time, key, hash) != detail::HashIndex::kNone) {
    return false;
  }
  const Position position = store_.insert(hash, Timer{time, key, hash});
  index_.insert(index_hash(time, hash), position);
  if (places_.size() <= position) {
    places_.resize(position + 1);
  }
  heap_.emplace_back();
  sift_up(heap_.size() - 1, {time.millis(), key_start(key), position, index_hash(time, hash)});
  return true;
}

template <class Key, class Time>
bool TimerQueue<Key, Time>::remove(Time time, const Key& key, std::uint32_t hash) {
  const Position position = position_of(time, key, hash);
  if (position == detail::HashIndex::kNone) {
    return false;
  }
  take_out(position);
  return true;
}

template <class Key, class Time>
auto TimerQueue<Key, Time>::pop(Time limit) -> const Timer* {
  if (heap_.empty() || heap_.front().time > limit.millis()) {
    return nullptr;
  }
  const Position position = heap_.front().position;
  take_out(position);
  if (!heap_.empty()) {
    index_.prefetch(heap_.front().index_hash);
    store_.prefetch(heap_.front().position);
  }
  return &store_.get(position);
}

template <class Key, class Time>
template <class F>
void TimerQueue<Key, Time>::for_each_due(Time limit, std::size_t count, F&& f) const {
  // Places whose parents were given: the first of what is left is among them.
  const auto comes_later = [this](std::size_t a, std::size_t b) {
    return comes_before(heap_[b], heap_[a]);
  };
  std::vector<std::size_t> next;
  const auto add = [&](std::size_t place) {
    if (place < heap_.size() && heap_[place].time <= limit.millis()) {
      next.push_back(place);
      std::push_heap(next.begin(), next.end(), comes_later);
    }
  };
  for (add(0); !next.empty() && count > 0; --count) {
    std::pop_heap(next.begin(), next.end(), comes_later);
    const std::size_t place = next.back();
    next.pop_back();
    f(store_.get(heap_[place].position));
    for (std::size_t i = 1; i <= kChildren; ++i) add(place * kChildren + i);
  }
}

template <class Key, class Time>
void TimerQueue<Key, Time>::take_out(Position position) {
  const std::size_t place = places_[position];
  index_.erase(heap_[place].index_hash, position);
  if (store_.is_stored(position)) {
    std::string key;
    append_key(key, store_.get(position));
    throw_if_error(erased_.erased(store_.hash(position), key));
  }
  store_.erase(position);
  const Item last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) {
    if (place > 0 && comes_before(last, heap_[(place - 1) / kChildren])) {
      sift_up(place, last);
    } else {
      sift_down(place, last);
    }
  }
}

template <class Key, class Time>
void TimerQueue<Key, Time>::sift_up(std::size_t place, const Item& item) {
  while (place > 0) {
    const std::size_t parent = (place - 1) / kChildren;
    if (!comes_before(item, heap_[parent])) {
      break;
    }
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, item);
}

template <class Key, class Time>
void TimerQueue<Key, Time>::sift_down(std::size_t place, const Item& item) {
  for (;;) {
    const std::size_t first = place * kChildren + 1;
    if (first >= heap_.size()) {
      break;
    }
    std::size_t least = first;
    for (std::size_t i = first + 1; i < std::min(first + kChildren, heap_.size()); ++i) {
      if (comes_before(heap_[i], heap_[least])) {
        least = i;
      }
    }
    if (!comes_before(heap_[least], item)) {
      break;
    }
    put(place, heap_[least]);
    place = least;
  }
  put(place, item);
}

template <class Key, class Time>
void TimerQueue<Key, Time>::restore(std::uint32_t hash, ByteView key_bytes, ByteView value) {
  ArenaList arenas;
  TextMaker text(arenas, 64);
  ByteReader in(key_bytes);
  const Key key = detail::read_entry_key<Key>(hash, key_bytes, in, text);
  const Time time = decode_key<Time>(in, text);
  if (!in.is_at_end() || !value.empty()) {
    throw DecodeError("bytes after a timer", in.offset());
  }
  add(time, key, hash);
}

}  // namespace weir
