// SPDX-License-Identifier: Apache-2.0
// EntryStore: entries in chunks that are copied on write while a snapshot holds them. What keyed
// tables and timer queues keep their entries in.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"
#include "core/entry_chunk.h"
#include "core/shared_ref.h"

namespace weir::detail {

/// Holds entries at positions that do not change. `Entry` has a type `TextHome` (StateText or
/// NoStateText) and `keep_text(home)`, `drop_text(home)`.
///
/// References to entries, text and erased entries too, stay readable until `tidy`: an entry changed
/// while a snapshot holds its chunk goes on living in a copy.
///
/// Thread: the table's.
template <class Entry>
class EntryStore {
 public:
  using Chunk = EntryChunk<Entry>;
  using Position = std::uint32_t;

  const Entry& get(Position position) const {
    return directory_[position / Chunk::kEntries].chunk->entry(position % Chunk::kEntries);
  }
  std::uint32_t hash(Position position) const {
    return directory_[position / Chunk::kEntries].chunk->hashes[position % Chunk::kEntries];
  }
  bool is_live(Position position) const {
    const std::size_t index = position / Chunk::kEntries;
    return index < directory_.size() && directory_[index].chunk &&
           Chunk::test(directory_[index].chunk->live, position % Chunk::kEntries);
  }
  void prefetch(Position position) const {
    const std::size_t index = position / Chunk::kEntries;
    if (index < directory_.size() && directory_[index].chunk) {
      __builtin_prefetch(&directory_[index].chunk->entry(position % Chunk::kEntries));
    }
  }

  /// Returns the entry to be changed.
  Entry& open(Position position) {
    Slot& slot = directory_[position / Chunk::kEntries];
    if (slot.may_be_shared) [[unlikely]] {
      unshare(slot);
    }
    if (tracks_changes_) {
      mark_changed(position / Chunk::kEntries, position % Chunk::kEntries);
    }
    return slot.chunk->entry(position % Chunk::kEntries);
  }
  /// Counts the text of a part of an opened entry as dead, before the part is changed.
  template <class Part>
  void drop_text(Position position, const Part& part) {
    directory_[position / Chunk::kEntries].chunk->text.drop(part);
  }
  /// Takes over the text of a part that was changed.
  template <class Part>
  void keep_text(Position position, Part& part) {
    Chunk& chunk = *directory_[position / Chunk::kEntries].chunk;
    chunk.text.keep(part);
    if (chunk.text.is_mostly_dead()) {
      mark_dirty(position / Chunk::kEntries);
    }
  }

  Position insert(std::uint32_t hash, Entry entry) {
    const std::size_t index = chunk_with_room();
    Slot& slot = directory_[index];
    if (slot.may_be_shared) {
      unshare(slot);
    }
    Chunk& chunk = *slot.chunk;
    const std::uint32_t i = chunk.first_unmade();
    (::new (&chunk.entry(i)) Entry(std::move(entry)))->keep_text(chunk.text);
    chunk.hashes[i] = hash;
    chunk.set(chunk.made, i);
    chunk.set(chunk.live, i);
    ++chunk.num_made;
    ++size_;
    if (tracks_changes_) {
      mark_changed(index, i);
    }
    return static_cast<Position>(index * Chunk::kEntries + i);
  }
  void erase(Position position) {
    const std::size_t index = position / Chunk::kEntries;
    const Entry& entry = open(position);
    Chunk& chunk = *directory_[index].chunk;
    entry.drop_text(chunk.text);
    chunk.reset(chunk.live, position % Chunk::kEntries);
    if (tracks_changes_) {
      Chunk::reset(marks_[index].changed, position % Chunk::kEntries);
      Chunk::reset(marks_[index].stored, position % Chunk::kEntries);
      --num_changed_;
    }
    if (is_evicting_) {
      Chunk::reset(residency_[index].away, position % Chunk::kEntries);
      Chunk::reset(residency_[index].frozen, position % Chunk::kEntries);
      Chunk::reset(residency_[index].used, position % Chunk::kEntries);
      --num_away_;
    }
    mark_dirty(index);
    --size_;
  }
  void clear() {
    for (Slot& slot : directory_) {
      if (slot.chunk) {
        retired_.push_back(std::move(slot.chunk));
      }
    }
    directory_.clear();
    marks_.clear();
    with_room_.clear();
    unused_.clear();
    dirty_.clear();
    size_ = 0;
  }

  /// Calls `f(position, entry)` for each entry of one chunk; chunks are counted from zero. Returns
  /// false past the last chunk. `f` may erase or change the entry it is given, but not insert, and
  /// nothing may be inserted between the steps of a walk.
  template <class F>
  bool for_each_in_chunk(std::size_t index, F&& f) const {
    if (index >= directory_.size()) {
      return false;
    }
    // By value: erasing may put a copy in the place of the chunk.
    if (const SharedRef<Chunk> chunk = directory_[index].chunk) {
      Chunk::for_each_bit(chunk->live, [&](std::uint32_t i) {
        f(static_cast<Position>(index * Chunk::kEntries + i), std::as_const(*chunk).entry(i));
      });
    }
    return true;
  }

  /// Lets another thread read the entries as they are now. Cost: O(chunks).
  FrozenEntries<Entry> freeze() {
    tidy();
    std::vector<SharedRef<const Chunk>> chunks;
    chunks.reserve(directory_.size());
    for (Slot& slot : directory_) {
      if (slot.chunk) {
        chunks.push_back(slot.chunk);
        slot.may_be_shared = true;
      }
    }
    return FrozenEntries<Entry>(std::move(chunks));
  }

  /// From now on notes what changes. See StateTable.
  void track_changes(bool is_stored) {
    tracks_changes_ = true;
    num_changed_ = is_stored ? 0 : size_;
    marks_.assign(directory_.size(), {});
    for (std::size_t i = 0; i < directory_.size(); ++i) {
      if (directory_[i].chunk) {
        auto& marks = marks_[i];
        std::copy_n(directory_[i].chunk->live, Chunk::kWords,
                    is_stored ? marks.stored : marks.changed);
      }
    }
  }
  bool tracks_changes() const { return tracks_changes_; }
  /// Whether earlier snapshots may hold the entry.
  bool is_stored(Position position) const {
    return tracks_changes_ &&
           Chunk::test(marks_[position / Chunk::kEntries].stored, position % Chunk::kEntries);
  }
  /// Lets another thread read what changed since the last call. Cost: O(chunks).
  FrozenChanges<Entry> freeze_changes() {
    tidy();
    ++num_freezes_;
    FrozenChanges<Entry> changes;
    changes.reserve(std::min(num_changed_, directory_.size()));
    constexpr std::size_t kAhead = 16;  // the count of references is the first that is touched
    for (std::size_t i = 0; i < directory_.size(); ++i) {
      if (i + kAhead < directory_.size() && Chunk::any(marks_[i + kAhead].changed)) {
        __builtin_prefetch(directory_[i + kAhead].chunk.get(), 1);
      }
      if (Chunk::any(marks_[i].changed)) {
        typename Chunk::Bits changed;
        std::copy_n(marks_[i].changed, Chunk::kWords, changed);
        freeze_chunk(i, changed, changes);
      }
    }
    return changes;
  }
  /// Adds the entries that earlier snapshots may hold to `changes`.
  void freeze_stored(FrozenChanges<Entry>& changes) const {
    for (std::size_t i = 0; i < directory_.size(); ++i) {
      if (Chunk::any(marks_[i].stored)) {
        typename FrozenChanges<Entry>::Part part{directory_[i].chunk, {}, {}};
        std::copy_n(marks_[i].stored, Chunk::kWords, part.entries);
        std::copy_n(marks_[i].stored, Chunk::kWords, part.stored);
        changes.add(std::move(part));
      }
    }
  }

  // Eviction: entries leave that are stored elsewhere as they are. Freezes are counted, so that it
  // can be told up to which one what was frozen has arrived there.

  /// From now on entries may be evicted. Nothing that is here now counts as stored elsewhere.
  /// `freezes`: how many there were. Requires: changes are tracked.
  void begin_eviction(std::uint64_t freezes) {
    WEIR_CHECK(tracks_changes_);
    residency_.assign(directory_.size(), {});
    for (std::size_t i = 0; i < directory_.size(); ++i) {
      if (directory_[i].chunk) {
        std::copy_n(directory_[i].chunk->live, Chunk::kWords, residency_[i].away);
      }
    }
    num_away_ = size_;
    num_freezes_ = freezes;
    is_evicting_ = true;
  }
  bool is_evicting() const { return is_evicting_; }
  /// Whether `freeze_some` has anything to take.
  bool has_unfrozen() const { return num_away_ > 0; }
  struct FrozenSome {
    FrozenChanges<Entry> changed;  ///< of these, what changed since the last freeze of changes
    FrozenChanges<Entry> others;
  };
  /// Takes about `entries` of what is not stored elsewhere as it is; if possible, only what was not
  /// used lately. What changed of it counts as frozen, too.
  FrozenSome freeze_some(std::size_t entries) {
    tidy();
    ++num_freezes_;
    FrozenSome frozen;
    std::size_t taken = 0;
    for (const bool takes_used : {false, true}) {
      for (std::size_t left = directory_.size(); left > 0 && taken < entries; --left) {
        freeze_hand_ = (freeze_hand_ + 1) % directory_.size();
        taken += freeze_some_of(freeze_hand_, takes_used, frozen);
      }
    }
    return frozen;
  }
  /// Adds an entry as it is stored elsewhere.
  Position insert_stored(std::uint32_t hash, Entry entry) {
    const Position position = insert(hash, std::move(entry));
    Marks& marks = marks_[position / Chunk::kEntries];
    Chunk::reset(marks.changed, position % Chunk::kEntries);
    Chunk::set(marks.stored, position % Chunk::kEntries);
    Chunk::reset(residency_[position / Chunk::kEntries].away, position % Chunk::kEntries);
    --num_changed_;
    --num_away_;
    return position;
  }
  /// Keeps the entry from the next eviction.
  void mark_used(Position position) {
    Chunk::set(residency_[position / Chunk::kEntries].used, position % Chunk::kEntries);
  }
  /// Lets about `wanted` entries go that are unchanged, have arrived elsewhere with freeze
  /// `arrived` or before, and were not used lately; calls `f(position)` for each before.
  /// Returns how many.
  /// Cost: O(chunks) at most, mostly O(wanted).
  template <class F>
  std::size_t evict(std::size_t wanted, std::uint64_t arrived, F&& f) {
    std::size_t evicted = 0;
    for (std::size_t left = 2 * directory_.size(); left > 0 && evicted < wanted; --left) {
      evict_hand_ = (evict_hand_ + 1) % directory_.size();
      evicted += evict_from(evict_hand_, arrived, f);
    }
    tidy();
    return evicted;
  }

  /// Keeps something readable until the next `tidy`.
  void retire(SharedRef<SharedBody> body) { retired_.push_back(std::move(body)); }
  void tidy() {
    for (const std::size_t index : dirty_) {
      tidy_chunk(index);
    }
    dirty_.clear();
    retired_.clear();
  }

  std::size_t size() const { return size_; }
  /// Some entries, up to one of each of `chunks` chunks, for estimates.
  template <class F>
  void sample(std::size_t chunks, F&& f) const {
    const std::size_t step = std::max<std::size_t>(1, directory_.size() / chunks);
    for (std::size_t i = 0; i < directory_.size(); i += step) {
      if (directory_[i].chunk && Chunk::any(directory_[i].chunk->live)) {
        const Chunk& chunk = *directory_[i].chunk;
        std::uint32_t first = 0;
        while (!Chunk::test(chunk.live, first)) {
          ++first;
        }
        f(chunk.entry(first), chunk.text.bytes() / Chunk::count(chunk.live));
      }
    }
  }
  std::size_t memory_bytes() const {
    std::size_t sum = 0;
    for (const Slot& slot : directory_) {
      sum += slot.chunk ? sizeof(Chunk) + slot.chunk->text.bytes() : 0;
    }
    return sum;
  }

 private:
  struct Slot {
    SharedRef<Chunk> chunk;      // null when it became empty
    bool may_be_shared = false;  // a snapshot was taken since the chunk was last found unshared
    bool has_room = false;       // stands in with_room_
  };

  // Of the entries of one chunk, where changes are tracked. Beside the chunks, not in them: they
  // are dense, and noting a change does not load another line of a chunk.
  struct Marks {
    typename Chunk::Bits changed = {};  // since the last freeze of changes
    typename Chunk::Bits stored = {};   // part of an earlier one
  };

  // Of the entries of one chunk, where some are evicted.
  struct Residency {
    typename Chunk::Bits away = {};  // not stored elsewhere as they are; what changed is among them
    typename Chunk::Bits frozen =
        {};                          // on the way there, by a freeze that may not have arrived yet
    typename Chunk::Bits used = {};  // since the hand of the clock passed
    std::uint64_t frozen_in = 0;     // the last of these freezes
  };

  void mark_changed(std::size_t index, std::uint32_t i) {
    if (Chunk::test(marks_[index].changed, i)) {
      return;
    }
    Chunk::set(marks_[index].changed, i);
    ++num_changed_;
    if (is_evicting_ && !Chunk::test(residency_[index].away, i)) {
      Chunk::set(residency_[index].away, i);
      ++num_away_;
    }
  }

  std::size_t freeze_some_of(std::size_t index, bool takes_used, FrozenSome& frozen) {
    if (!directory_[index].chunk) {
      return 0;
    }
    Residency& residency = residency_[index];
    typename Chunk::Bits changed = {};
    typename Chunk::Bits others = {};
    for (std::uint32_t word = 0; word < Chunk::kWords; ++word) {
      const std::uint64_t taken = residency.away[word] & ~(takes_used ? 0 : residency.used[word]);
      changed[word] = taken & marks_[index].changed[word];
      others[word] = taken & ~changed[word];
      residency.away[word] &= ~taken;
      residency.frozen[word] |= taken;
      // As a whole: where it goes, not everything is that earlier snapshots hold.
      marks_[index].stored[word] &= ~taken;
    }
    const std::size_t count = Chunk::count(changed) + Chunk::count(others);
    if (count > 0) {
      residency.frozen_in = num_freezes_;
      num_away_ -= count;
      freeze_chunk(index, changed, frozen.changed);
      freeze_chunk(index, others, frozen.others);
    }
    return count;
  }

  void freeze_chunk(std::size_t index, const typename Chunk::Bits& taken,
                    FrozenChanges<Entry>& frozen) {
    if (!Chunk::any(taken)) {
      return;
    }
    Marks& marks = marks_[index];
    for (std::uint32_t word = 0; word < Chunk::kWords; ++word) {
      num_changed_ -= static_cast<std::size_t>(std::popcount(taken[word] & marks.changed[word]));
    }
    typename FrozenChanges<Entry>::Part part{directory_[index].chunk, {}, {}};
    for (std::uint32_t word = 0; word < Chunk::kWords; ++word) {
      part.entries[word] = taken[word];
      part.stored[word] = marks.stored[word];
      marks.stored[word] |= taken[word];
      marks.changed[word] &= ~taken[word];
    }
    frozen.add(std::move(part));
    directory_[index].may_be_shared = true;
  }

  template <class F>
  std::size_t evict_from(std::size_t index, std::uint64_t arrived, F&& f) {
    Slot& slot = directory_[index];
    Residency& residency = residency_[index];
    // What is shared would have to be copied to become smaller.
    if (!slot.chunk || (slot.may_be_shared && slot.chunk.is_shared())) {
      return 0;
    }
    slot.may_be_shared = false;
    Marks& marks = marks_[index];
    typename Chunk::Bits evicted = {};
    for (std::uint32_t word = 0; word < Chunk::kWords; ++word) {
      if (residency.frozen_in <= arrived) {
        residency.frozen[word] = 0;
      }
      evicted[word] = slot.chunk->live[word] &
                      ~(residency.away[word] | residency.frozen[word] | residency.used[word]);
      residency.used[word] = 0;
    }
    std::size_t count = 0;
    Chunk::for_each_bit(evicted, [&](std::uint32_t i) {
      f(static_cast<Position>(index * Chunk::kEntries + i));
      slot.chunk->entry(i).drop_text(slot.chunk->text);
      Chunk::reset(slot.chunk->live, i);
      Chunk::reset(marks.stored, i);
      ++count;
    });
    if (count > 0) {
      mark_dirty(index);
      size_ -= count;
    }
    return count;
  }

  void unshare(Slot& slot) {
    if (slot.chunk.is_shared()) {
      retired_.push_back(
          std::exchange(slot.chunk, SharedRef<Chunk>::make(std::as_const(*slot.chunk))));
    }
    slot.may_be_shared = false;
  }

  std::size_t chunk_with_room() {
    while (!with_room_.empty()) {
      Slot& slot = directory_[with_room_.back()];
      if (slot.chunk && slot.chunk->num_made < Chunk::kEntries) {
        return with_room_.back();
      }
      slot.has_room = false;
      with_room_.pop_back();
    }
    std::size_t index = directory_.size();
    if (unused_.empty()) {
      directory_.emplace_back();
      if (tracks_changes_) {
        marks_.emplace_back();
      }
      if (is_evicting_) {
        residency_.emplace_back();
      }
    } else {
      index = unused_.back();
      unused_.pop_back();
    }
    directory_[index] = {SharedRef<Chunk>::make(), false, true};
    with_room_.push_back(index);
    return index;
  }

  void mark_dirty(std::size_t index) {
    if (!directory_[index].chunk->is_dirty) {
      directory_[index].chunk->is_dirty = true;
      dirty_.push_back(index);
    }
  }

  void tidy_chunk(std::size_t index) {
    Slot& slot = directory_[index];
    WEIR_DCHECK(!slot.may_be_shared);  // opened to become dirty, and a freeze tidies first
    Chunk& chunk = *slot.chunk;
    chunk.is_dirty = false;
    for (std::uint32_t word = 0; word < Chunk::kWords; ++word) {
      for (std::uint64_t dead = chunk.made[word] & ~chunk.live[word]; dead != 0; dead &= dead - 1) {
        chunk.entry(word * 64 + static_cast<std::uint32_t>(std::countr_zero(dead))).~Entry();
        --chunk.num_made;
      }
      chunk.made[word] = chunk.live[word];
    }
    if (chunk.num_made == 0 && directory_.size() > 1) {
      slot.chunk = {};
      slot.may_be_shared = false;
      unused_.push_back(index);
      return;
    }
    if (chunk.text.is_mostly_dead()) {
      typename Entry::TextHome fresh;
      Chunk::for_each_bit(chunk.live, [&](std::uint32_t i) { chunk.entry(i).keep_text(fresh); });
      chunk.text = std::move(fresh);
    }
    if (!slot.has_room && chunk.num_made < Chunk::kEntries) {
      slot.has_room = true;
      with_room_.push_back(index);
    }
  }

  std::vector<Slot> directory_;
  std::vector<Marks> marks_;  // by chunk; empty unless changes are tracked
  bool tracks_changes_ = false;
  std::size_t num_changed_ = 0;       // entries marked as changed
  std::vector<Residency> residency_;  // by chunk; empty unless entries are evicted
  bool is_evicting_ = false;
  std::size_t num_away_ = 0;  // entries marked as away
  std::uint64_t num_freezes_ = 0;
  std::size_t freeze_hand_ = 0;
  std::size_t evict_hand_ = 0;
  std::vector<std::size_t> with_room_;  // chunks that may have room; the last is filled first
  std::vector<std::size_t> unused_;     // places in the directory without a chunk
  std::vector<std::size_t> dirty_;      // chunks to tidy
  std::vector<SharedRef<SharedBody>> retired_;
  std::size_t size_ = 0;
};

}  // namespace weir::detail
