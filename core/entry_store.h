// SPDX-License-Identifier: Apache-2.0
// EntryStore: entries in chunks that are copied on write while a snapshot holds them. What keyed
// tables and timer queues keep their entries in.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/status.h"
#include "core/hash_sort.h"
#include "core/shared_ref.h"
#include "core/state_table.h"

namespace weir::detail {

/// A run of entries. An entry that was erased stays readable until the chunk is tidied.
template <class Entry>
struct EntryChunk final : SharedBody {
  static constexpr std::uint32_t kEntries = static_cast<std::uint32_t>(
      std::bit_floor(std::clamp<std::size_t>(16384 / sizeof(Entry), 8, 256)));
  static constexpr std::uint32_t kWords = (kEntries + 63) / 64;

  // Not defaulted: the entries must not be zeroed.
  EntryChunk() {}
  /// Copies what is live and shares its text.
  EntryChunk(const EntryChunk& other) : SharedBody(other), text(other.text) {
    other.for_each_bit(other.live, [&](std::uint32_t i) {
      ::new (&entry(i)) Entry(other.entry(i));
      hashes[i] = other.hashes[i];
      set(made, i);
      set(live, i);
    });
    num_made = other.num_live();
  }
  ~EntryChunk() override {
    for_each_bit(made, [this](std::uint32_t i) { entry(i).~Entry(); });
  }

  Entry& entry(std::uint32_t i) { return reinterpret_cast<Entry*>(bytes)[i]; }
  const Entry& entry(std::uint32_t i) const { return reinterpret_cast<const Entry*>(bytes)[i]; }

  using Bits = std::uint64_t[kWords];
  static void set(Bits& bits, std::uint32_t i) { bits[i / 64] |= std::uint64_t{1} << (i % 64); }
  static void reset(Bits& bits, std::uint32_t i) {
    bits[i / 64] &= ~(std::uint64_t{1} << (i % 64));
  }
  static bool test(const Bits& bits, std::uint32_t i) { return (bits[i / 64] >> (i % 64)) & 1; }
  static bool any(const Bits& bits) {
    return std::any_of(bits, bits + kWords, [](std::uint64_t word) { return word != 0; });
  }
  template <class F>
  static void for_each_bit(const Bits& bits, F&& f) {
    for (std::uint32_t word = 0; word < kWords; ++word) {
      for (std::uint64_t left = bits[word]; left != 0; left &= left - 1) {
        f(word * 64 + static_cast<std::uint32_t>(std::countr_zero(left)));
      }
    }
  }
  std::uint32_t first_unmade() const {
    std::uint32_t word = 0;
    while (~made[word] == 0) {
      ++word;
    }
    return word * 64 + static_cast<std::uint32_t>(std::countr_one(made[word]));
  }
  std::uint32_t num_live() const {
    std::uint32_t count = 0;
    for (const std::uint64_t word : live) {
      count += static_cast<std::uint32_t>(std::popcount(word));
    }
    return count;
  }

  std::uint32_t num_made = 0;
  bool is_dirty = false;  // waits in the store's list of chunks to tidy
  Bits made = {};         // holds an entry, perhaps an erased one
  Bits live = {};
  typename Entry::TextHome text;
  std::uint32_t hashes[kEntries];
  alignas(Entry) std::byte bytes[sizeof(Entry) * kEntries];
};

/// The entries of a store at one moment. Thread: any, one at a time.
template <class Entry>
class FrozenEntries {
 public:
  using Chunk = EntryChunk<Entry>;
  explicit FrozenEntries(std::vector<SharedRef<const Chunk>> chunks) : chunks_(std::move(chunks)) {}

  /// Calls `f(hash, entry)` for each entry, in no particular order.
  template <class F>
  void for_each(F&& f) const {
    for (const auto& chunk : chunks_) {
      Chunk::for_each_bit(chunk->live,
                          [&](std::uint32_t i) { f(chunk->hashes[i], chunk->entry(i)); });
    }
  }
  void release() { chunks_.clear(); }

 private:
  std::vector<SharedRef<const Chunk>> chunks_;
};

/// Some entries of a store at one moment: those that changed, or those that are to be erased.
/// Thread: any, one at a time.
template <class Entry>
class FrozenChanges {
 public:
  using Chunk = EntryChunk<Entry>;
  struct Part {
    SharedRef<const Chunk> chunk;
    typename Chunk::Bits entries;
    typename Chunk::Bits stored;  ///< of these: what earlier snapshots may hold
  };

  void add(const Part& part) { parts_.push_back(part); }
  bool empty() const { return parts_.empty(); }
  /// Calls `f(hash, entry, is_stored)` for each entry until it fails, and lets the chunks go one by
  /// one, so that the table may soon change them in place again.
  template <class F>
  Status drain(F&& f) {
    Status status;
    for (Part& part : parts_) {
      const SharedRef<const Chunk> chunk = std::move(part.chunk);
      Chunk::for_each_bit(part.entries, [&](std::uint32_t i) {
        if (status.is_ok()) {
          status = f(chunk->hashes[i], chunk->entry(i), Chunk::test(part.stored, i));
        }
      });
      WEIR_RETURN_IF_ERROR(status);
    }
    parts_.clear();
    return status;
  }

 private:
  std::vector<Part> parts_;
};

/// Calls `emit(hash, entry, key)` for each entry of all `parts` in the order of hash and key, until
/// one fails; then lets the chunks go. `append_key(string&, entry, part)` makes the key.
template <class Entry, class AppendKey, class Emit>
Status write_sorted(std::span<FrozenEntries<Entry>> parts, AppendKey&& append_key, Emit&& emit) {
  struct Item {
    std::uint32_t hash;
    std::uint32_t part;
    const Entry* entry;
  };
  std::vector<Item> items;
  for (std::uint32_t part = 0; part < parts.size(); ++part) {
    parts[part].for_each(
        [&](std::uint32_t hash, const Entry& entry) { items.push_back({hash, part, &entry}); });
  }
  sort_by_hash(items);
  std::vector<std::pair<std::string, const Entry*>> tied;
  for (std::size_t begin = 0, end = 0; begin < items.size(); begin = end) {
    // Entries of one hash are few; only they need their keys compared.
    for (; end < items.size() && items[end].hash == items[begin].hash; ++end) {
      if (tied.size() <= end - begin) {
        tied.emplace_back();
      }
      tied[end - begin].first.clear();
      append_key(tied[end - begin].first, *items[end].entry, items[end].part);
      tied[end - begin].second = items[end].entry;
    }
    const std::size_t count = end - begin;
    if (count > 1) {
      std::sort(tied.begin(), tied.begin() + static_cast<std::ptrdiff_t>(count));
    }
    for (std::size_t i = 0; i < count; ++i) {
      WEIR_RETURN_IF_ERROR(emit(items[begin].hash, *tied[i].second, tied[i].first));
    }
  }
  for (FrozenEntries<Entry>& part : parts) {
    part.release();
  }
  return Status::ok();
}

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
      Chunk::set(marks_[position / Chunk::kEntries].changed, position % Chunk::kEntries);
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
      Chunk::set(marks_[index].changed, i);
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
    FrozenChanges<Entry> changes;
    for (std::size_t i = 0; i < directory_.size(); ++i) {
      Marks& marks = marks_[i];
      if (!Chunk::any(marks.changed)) {
        continue;
      }
      typename FrozenChanges<Entry>::Part part{directory_[i].chunk, {}, {}};
      for (std::uint32_t word = 0; word < Chunk::kWords; ++word) {
        part.entries[word] = marks.changed[word];
        part.stored[word] = marks.stored[word];
        marks.stored[word] |= marks.changed[word];
        marks.changed[word] = 0;
      }
      changes.add(part);
      directory_[i].may_be_shared = true;
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
        changes.add(part);
      }
    }
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
  std::vector<std::size_t> with_room_;  // chunks that may have room; the last is filled first
  std::vector<std::size_t> unused_;     // places in the directory without a chunk
  std::vector<std::size_t> dirty_;      // chunks to tidy
  std::vector<SharedRef<SharedBody>> retired_;
  std::size_t size_ = 0;
};

}  // namespace weir::detail
