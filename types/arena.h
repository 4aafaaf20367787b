// SPDX-License-Identifier: Apache-2.0
// Arena: append-only memory in which the text of a batch lies. ArenaRef, ArenaList: who keeps it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"

namespace weir {

class ArenaRef;

/// Append-only text memory. Nothing in it moves or is freed before the last reference goes.
///
/// Memory comes in chunks, each twice the last up to 1 MiB; with a good hint there is only one.
/// Debug builds fill released memory with 0xDD, so that text kept too long is seen at once.
///
/// Thread: one appends; any may read what was handed to it and count references.
class Arena {
 public:
  static constexpr std::size_t kFirstChunkBytesDefault = std::size_t{16} * 1024;
  static constexpr std::size_t kChunkBytesMax = std::size_t{1024} * 1024;

  /// Makes an arena whose first chunk holds `first_chunk_bytes`.
  static ArenaRef make(std::size_t first_chunk_bytes = kFirstChunkBytesDefault);

  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Returns `size` fresh bytes, unaligned.
  char* allocate(std::size_t size) {
    if (size > static_cast<std::size_t>(end_ - free_)) [[unlikely]] {
      add_chunk(size);
    }
    char* start = free_;
    free_ += size;
    bytes_used_ += size;
    return start;
  }

  /// Whether `position` points into this arena.
  bool contains(const char* position) const {
    // One unsigned comparison tests both ends.
    if (reinterpret_cast<std::uintptr_t>(position) - reinterpret_cast<std::uintptr_t>(first_) <
        first_size_) [[likely]] {
      return true;
    }
    return last_chunk_ != nullptr && contains_in_later_chunks(position);
  }

  /// Bytes handed out by `allocate`.
  std::size_t bytes_used() const { return bytes_used_; }
  /// Memory held, used or not.
  std::size_t bytes_reserved() const { return bytes_reserved_; }

 private:
  friend class ArenaRef;
  struct Chunk {
    Chunk* previous;
    std::size_t size;
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
  };

  explicit Arena(std::size_t first_size);
  ~Arena();

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      destroy();
    }
  }
  void destroy();
  void add_chunk(std::size_t size);
  bool contains_in_later_chunks(const char* position) const;

  std::atomic<std::uint32_t> references_{1};
  // The first chunk follows the arena in the same allocation.
  char* first_;
  std::size_t first_size_;
  // The chunk being filled.
  char* free_;
  char* end_;
  Chunk* last_chunk_ = nullptr;
  std::size_t next_chunk_bytes_;
  std::size_t bytes_used_ = 0;
  std::size_t bytes_reserved_;
};

/// Keeps an arena alive. Null when default-made or moved from.
class ArenaRef {
 public:
  ArenaRef() = default;
  ArenaRef(const ArenaRef& other) : arena_(other.arena_) {
    if (arena_ != nullptr) {
      arena_->retain();
    }
  }
  ArenaRef(ArenaRef&& other) noexcept : arena_(std::exchange(other.arena_, nullptr)) {}
  ArenaRef& operator=(ArenaRef other) noexcept {
    std::swap(arena_, other.arena_);
    return *this;
  }
  ~ArenaRef() {
    if (arena_ != nullptr) {
      arena_->release();
    }
  }

  Arena* get() const { return arena_; }
  Arena& operator*() const { return *arena_; }
  Arena* operator->() const { return arena_; }
  explicit operator bool() const { return arena_ != nullptr; }

 private:
  friend class Arena;
  // Takes over the reference that the arena was made with.
  explicit ArenaRef(Arena* arena) : arena_(arena) {}

  Arena* arena_ = nullptr;
};

/// The arenas a batch keeps alive: usually none or one, which costs no allocation.
class ArenaList {
 public:
  std::size_t size() const { return (first_ ? 1 : 0) + more_.size(); }
  bool is_empty() const { return !first_; }

  /// Adds an arena unless it is there already.
  void add(ArenaRef arena);
  void add_all(const ArenaList& other);
  void clear() {
    first_ = ArenaRef{};
    more_.clear();
  }

  /// Whether `position` points into one of the arenas.
  bool contains(const char* position) const {
    return first_ && (first_->contains(position) || (!more_.empty() && more_contain(position)));
  }

  /// Memory that the arenas hold.
  std::size_t bytes() const;

 private:
  bool more_contain(const char* position) const;

  ArenaRef first_;
  std::vector<ArenaRef> more_;
};

}  // namespace weir
