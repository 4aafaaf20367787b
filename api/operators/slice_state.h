// SPDX-License-Identifier: Apache-2.0
// SliceState: one accumulator per key and slice of event time, a table per slice.
#pragma once

#include <weir/window.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/keyed_table.h"
#include "types/schema.h"

namespace weir::detail {

/// Which slices windows are put together from, and which windows a slice belongs to. Times are
/// milliseconds.
///
/// Every slide is cut at `size mod slide`, so that each window begins and ends at a cut. Where
/// `slide` is larger than `size`, the second piece of each slide belongs to no window.
class SliceGrid {
 public:
  SliceGrid(std::int64_t size, std::int64_t slide, std::int64_t shift)
      : size_(size), slide_(slide), shift_(shift), cut_(slide > size ? size : size % slide) {}

  struct Slice {
    std::int64_t begin;
    std::int64_t end;
    bool in_window;  ///< false in a gap between windows
  };
  Slice slice_of(std::int64_t time) const {
    const std::int64_t start = slide_start(time);
    if (cut_ == 0) return {start, start + slide_, true};
    if (time - start < cut_) return {start, start + cut_, true};
    return {start + cut_, start + slide_, slide_ < size_};
  }
  /// The start of the last window that begins at or before `time`.
  std::int64_t slide_start(std::int64_t time) const {
    const std::int64_t rest = (time - shift_) % slide_;
    return rest < 0 ? time - (rest + slide_) : time - rest;
  }
  /// The start of the first window that contains `time`. Requires: some window does.
  std::int64_t first_window_with(std::int64_t time) const {
    const std::int64_t last = slide_start(time);
    return last - (size_ - 1 - (time - last)) / slide_ * slide_;
  }
  /// The start of the first window whose last millisecond lies after `time`.
  std::int64_t first_window_ending_after(std::int64_t time) const {
    const std::int64_t bound = time + 2 - size_;
    const std::int64_t start = slide_start(bound);
    return start == bound ? start : start + slide_;
  }
  std::int64_t size() const { return size_; }
  std::int64_t slide() const { return slide_; }

 private:
  std::int64_t size_;
  std::int64_t slide_;
  std::int64_t shift_;
  std::int64_t cut_;
};

/// The accumulators of a window operator, slice by slice. In a snapshot an entry's key is the key
/// followed by the beginning of its slice.
///
/// Thread: the subtask's; a frozen state is written by any.
template <class Key, class Accumulator>
class SliceState final : public StateTable {
 public:
  using Table = KeyedTable<Key, Accumulator>;
  /// By the beginning of the slice.
  using Slices = std::map<std::int64_t, std::unique_ptr<Table>>;

  explicit SliceState(const WindowAssigner& windows) : descriptor_(describe(windows)) {}

  /// The name says which windows they are: those of others cannot be restored as these.
  static StateDescriptor describe(const WindowAssigner& windows) {
    std::string name = "windows of " + to_string(windows.size);
    if (windows.slide != windows.size) name += " every " + to_string(windows.slide);
    if (windows.shift != Duration{0}) name += " shifted by " + to_string(windows.shift);
    return {std::move(name),
            StateKind::kWindow,
            StateDistribution::kKeyed,
            schema_text<std::pair<Key, std::int64_t>>(),
            schema_text<Accumulator>(),
            &type_info<Accumulator>()};
  }

  Table& table(std::int64_t begin) {
    std::unique_ptr<Table>& table = slices_[begin];
    if (table == nullptr) {
      table = std::make_unique<Table>(descriptor_);
      if (tracks_changes_) table->track_changes(false);
    }
    return *table;
  }
  const Slices& slices() const { return slices_; }
  void drop(typename Slices::const_iterator slice) {
    if (tracks_changes_) {
      FrozenChanges<typename Table::Entry> stored;
      slice->second->freeze_stored(stored);
      if (!stored.empty()) dropped_.emplace_back(slice->first, std::move(stored));
    }
    slices_.erase(slice);
  }

  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId) override {
    auto frozen = std::make_unique<Frozen>();
    for (const auto& [begin, table] : slices_) {
      frozen->begins.push_back(begin);
      frozen->slices.push_back(table->freeze_entries());
    }
    return frozen;
  }
  bool can_track_changes() const override { return true; }
  void track_changes(bool is_stored) override {
    tracks_changes_ = true;
    for (const auto& [begin, table] : slices_) table->track_changes(is_stored);
  }
  std::unique_ptr<FrozenState> freeze_changes() override;
  void restore(std::uint32_t hash, ByteView key_bytes, ByteView value) override {
    ArenaList arenas;
    TextMaker text(arenas, 64);
    ByteReader in(key_bytes);
    (void)read_entry_key<Key>(hash, key_bytes, in, text);
    const std::size_t key_size = in.offset();
    const auto begin = decode_key<std::int64_t>(in, text);
    if (!in.is_at_end()) throw DecodeError("bytes after the slice of a window entry", in.offset());
    table(begin).restore(hash, key_bytes.substr(0, key_size), value);
  }
  void tidy() override {
    for (const auto& [begin, table] : slices_) table->tidy();
  }
  std::size_t memory_bytes() const override {
    std::size_t sum = 0;
    for (const auto& [begin, table] : slices_) sum += table->memory_bytes();
    return sum;
  }
  std::size_t entry_count() const override {
    std::size_t sum = 0;
    for (const auto& [begin, table] : slices_) sum += table->size();
    return sum;
  }

 private:
  struct Frozen;
  struct Changes;

  StateDescriptor descriptor_;
  Slices slices_;
  bool tracks_changes_ = false;
  // Of slices dropped since the last freeze of changes: what earlier snapshots hold.
  std::vector<std::pair<std::int64_t, FrozenChanges<typename Table::Entry>>> dropped_;
};

// Implementation details follow.

template <class Key, class Accumulator>
struct SliceState<Key, Accumulator>::Frozen final : FrozenState {
  Status write(StateEntrySink& sink) override {
    ByteWriter scratch;
    return write_sorted(
        std::span(slices),
        [this](std::string& out, const Entry& entry, std::size_t slice) {
          encode_key(out, entry.key);
          encode_key(out, begins[slice]);
        },
        [&](std::uint32_t hash, const Entry& entry, const std::string& key) {
          return StateFormat<Accumulator>::write(sink, hash, key, entry.value, scratch);
        });
  }

  using Entry = typename Table::Entry;
  std::vector<std::int64_t> begins;
  std::vector<FrozenEntries<Entry>> slices;
};

template <class Key, class Accumulator>
struct SliceState<Key, Accumulator>::Changes final : FrozenState {
  using Entry = typename Table::Entry;
  struct Slice {
    std::int64_t begin;
    FrozenChanges<Entry> entries;
  };

  // Gives the entries of a slice with their keys, which end with where the slice begins.
  template <class F>
  static Status drain(Slice& slice, F&& f) {
    std::string key;
    return slice.entries.drain([&](std::uint32_t hash, const Entry& entry, bool is_stored) {
      key.clear();
      encode_key(key, entry.key);
      encode_key(key, slice.begin);
      return f(hash, key, entry, is_stored);
    });
  }
  Status write(StateEntrySink& sink) override {
    ByteWriter scratch;
    for (Slice& slice : dropped) {
      WEIR_RETURN_IF_ERROR(drain(slice, [this](std::uint32_t hash, const std::string& key,
                                               const Entry&, bool) {
        return buffer.erased(hash, key);
      }));
    }
    for (Slice& slice : changed) {
      WEIR_RETURN_IF_ERROR(drain(slice, [&](std::uint32_t hash, const std::string& key,
                                            const Entry& entry, bool is_stored) {
        return StateFormat<Accumulator>::write_changes(buffer, hash, key, entry.value, is_stored,
                                                       scratch);
      }));
    }
    return buffer.write(sink);
  }

  std::vector<Slice> dropped;
  std::vector<Slice> changed;
  ChangeBuffer buffer;
};

template <class Key, class Accumulator>
std::unique_ptr<FrozenState> SliceState<Key, Accumulator>::freeze_changes() {
  auto changes = std::make_unique<Changes>();
  for (auto& [begin, entries] : std::exchange(dropped_, {})) {
    changes->dropped.push_back({begin, std::move(entries)});
  }
  for (const auto& [begin, table] : slices_) {
    changes->changed.push_back({begin, table->freeze_changed_entries()});
  }
  return changes;
}

}  // namespace weir::detail
