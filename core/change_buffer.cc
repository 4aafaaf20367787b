// SPDX-License-Identifier: Apache-2.0
// Sorted once, by radix over the hashes; only entries of one hash have their keys compared.
#include "core/change_buffer.h"

#include <algorithm>

#include "core/hash_sort.h"

namespace weir {

Status ChangeBuffer::entry(std::uint32_t hash, ByteView key, ByteView value) {
  return add(hash, key, value, false);
}

Status ChangeBuffer::erased(std::uint32_t hash, ByteView key) {
  return add(hash, key, ByteView(), true);
}

Status ChangeBuffer::add(std::uint32_t hash, ByteView key, ByteView value, bool is_erased) {
  if (key.size() >= kErased || value.size() >= kErased) {
    return invalid_argument("an entry of state is larger than 4 GiB");
  }
  has_erased_ = has_erased_ || is_erased;
  char* const bytes = allocate(key.size() + value.size());
  std::copy(key.begin(), key.end(), bytes);
  std::copy(value.begin(), value.end(), bytes + key.size());
  items_.push_back({hash, static_cast<std::uint32_t>(key.size()), bytes,
                    is_erased ? kErased : static_cast<std::uint32_t>(value.size()),
                    static_cast<std::uint32_t>(items_.size())});
  return Status::ok();
}

char* ChangeBuffer::allocate(std::size_t size) {
  if (free_bytes_ < size) {
    // The first block of a small buffer is small.
    const std::size_t usual = blocks_.empty() ? kBlockBytes / 64 : kBlockBytes;
    free_bytes_ = std::max(size, usual);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(free_bytes_));
    block_bytes_ += free_bytes_;
    free_ = blocks_.back().get();
  }
  char* const bytes = free_;
  free_ += size;
  free_bytes_ -= size;
  return bytes;
}

Status ChangeBuffer::write(StateEntrySink& sink) {
  detail::sort_by_hash(items_);
  for (auto begin = items_.begin(); begin != items_.end();) {
    const auto end = std::find_if(begin, items_.end(),
                                  [&](const Item& item) { return item.hash != begin->hash; });
    if (end - begin > 1) {
      std::sort(begin, end, [this](const Item& a, const Item& b) {
        const int order = key(a).compare(key(b));
        return order != 0 ? order < 0 : a.number < b.number;
      });
    }
    for (auto item = begin; item != end; ++item) {
      // The last one of a key is the one that was added last.
      if (std::next(item) != end && key(*std::next(item)) == key(*item)) continue;
      WEIR_RETURN_IF_ERROR(item->value_size == kErased
                               ? sink.erased(item->hash, key(*item))
                               : sink.entry(item->hash, key(*item), value(*item)));
    }
    begin = end;
  }
  return Status::ok();
}

Status ChangeBuffer::write_erased(StateEntrySink& sink) {
  struct ErasedOnly final : StateEntrySink {
    explicit ErasedOnly(StateEntrySink& into) : sink(into) {}
    Status entry(std::uint32_t, ByteView, ByteView) override { return Status::ok(); }
    Status erased(std::uint32_t hash, ByteView key) override { return sink.erased(hash, key); }
    StateEntrySink& sink;
  };
  ErasedOnly erased(sink);
  return write(erased);
}

}  // namespace weir
