// SPDX-License-Identifier: Apache-2.0
// EntryChunk: a run of entries that is copied on write while a snapshot holds it, and what
// snapshots read of such chunks.
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

#include "base/status.h"
#include "core/hash_sort.h"
#include "core/shared_ref.h"

namespace weir::detail {

/// A run of entries. An entry that was erased stays readable until the chunk is tidied.
template <class Entry>
struct EntryChunk final : SharedBody {
  static constexpr std::uint32_t kEntries = static_cast<std::uint32_t>(
      std::bit_floor(std::clamp<std::size_t>(16384 / sizeof(Entry), 8, 256)));
  static constexpr std::uint32_t kWords = (kEntries + 63) / 64;

  static constexpr std::size_t bytes_per_entry() { return sizeof(EntryChunk) / kEntries; }

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
    num_made = count(other.live);
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
  static std::uint32_t count(const Bits& bits) {
    std::uint32_t count = 0;
    for (const std::uint64_t word : bits) {
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

  void reserve(std::size_t parts) { parts_.reserve(parts); }
  void add(Part part) { parts_.push_back(std::move(part)); }
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

}  // namespace weir::detail
