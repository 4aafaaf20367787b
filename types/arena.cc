// SPDX-License-Identifier: Apache-2.0
// Arena: chunk allocation, release, and lists of arenas.
#include "types/arena.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace weir {
namespace {

// Compares addresses of unrelated objects, which `<` on pointers must not.
bool lies_in(const char* position, const char* start, std::size_t size) {
  return reinterpret_cast<std::uintptr_t>(position) - reinterpret_cast<std::uintptr_t>(start) <
         size;
}

void poison(char* start, std::size_t size) {
#ifdef NDEBUG
  (void)start;
  (void)size;
#else
  std::memset(start, 0xDD, size);
  // Keeps the compiler from dropping a write to memory that is about to be freed.
  asm volatile("" : : "r"(start) : "memory");
#endif
}

}  // namespace

ArenaRef Arena::make(std::size_t first_chunk_bytes) {
  void* memory = ::operator new(sizeof(Arena) + first_chunk_bytes);
  return ArenaRef(::new (memory) Arena(first_chunk_bytes));
}

Arena::Arena(std::size_t first_size)
    : first_(reinterpret_cast<char*>(this) + sizeof(Arena)),
      first_size_(first_size),
      free_(first_),
      end_(first_ + first_size),
      next_chunk_bytes_(std::clamp(first_size * 2, kFirstChunkBytesDefault, kChunkBytesMax)),
      bytes_reserved_(first_size) {}

Arena::~Arena() {
  while (last_chunk_ != nullptr) {
    Chunk* chunk = std::exchange(last_chunk_, last_chunk_->previous);
    poison(chunk->bytes(), chunk->size);
    ::operator delete(chunk);
  }
  poison(first_, first_size_);
}

void Arena::destroy() {
  this->~Arena();
  ::operator delete(this);
}

void Arena::add_chunk(std::size_t size) {
  const std::size_t bytes = std::max(size, next_chunk_bytes_);
  auto* chunk = static_cast<Chunk*>(::operator new(sizeof(Chunk) + bytes));
  chunk->previous = last_chunk_;
  chunk->size = bytes;
  last_chunk_ = chunk;
  free_ = chunk->bytes();
  end_ = free_ + bytes;
  bytes_reserved_ += bytes;
  next_chunk_bytes_ = std::min(next_chunk_bytes_ * 2, kChunkBytesMax);
}

bool Arena::contains_in_later_chunks(const char* position) const {
  for (Chunk* chunk = last_chunk_; chunk != nullptr; chunk = chunk->previous) {
    if (lies_in(position, chunk->bytes(), chunk->size)) {
      return true;
    }
  }
  return false;
}

void ArenaList::add(ArenaRef arena) {
  WEIR_DCHECK(arena);
  if (!first_) {
    first_ = std::move(arena);
    return;
  }
  const auto is_same = [&arena](const ArenaRef& held) { return held.get() == arena.get(); };
  if (!is_same(first_) && std::none_of(more_.begin(), more_.end(), is_same)) {
    more_.push_back(std::move(arena));
  }
}

void ArenaList::add_all(const ArenaList& other) {
  if (&other == this || !other.first_) {
    return;
  }
  add(other.first_);
  for (const ArenaRef& arena : other.more_) {
    add(arena);
  }
}

bool ArenaList::more_contain(const char* position) const {
  return std::any_of(more_.begin(), more_.end(),
                     [position](const ArenaRef& arena) { return arena->contains(position); });
}

std::size_t ArenaList::bytes() const {
  std::size_t sum = first_ ? first_->bytes_reserved() : 0;
  for (const ArenaRef& arena : more_) {
    sum += arena->bytes_reserved();
  }
  return sum;
}

}  // namespace weir
