// SPDX-License-Identifier: Apache-2.0
// The typed batch that travels between operators: rows, event times, key hashes and the arenas in
// which the rows' text lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/time.h"
#include "core/ids.h"
#include "types/arena.h"

namespace weir {

class Batch;

/// Who holds a batch: one holder may change it; while there are several it is constant.
/// Shared by the consumers of a broadcast or of a stream with several readers; the last one frees
/// it.
using BatchPtr = std::shared_ptr<Batch>;

/// A batch without its row type: what tasks, channels and gates handle.
///
/// Thread: one at a time; handed from thread to thread by a channel.
class Batch {
 public:
  virtual ~Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Event time of each row; `EventTime::none()` where a record has none.
  std::span<const EventTime> times() const { return {times_.get(), size_}; }
  /// Key hash of each row; meaningful after `key_by` only (else zeros are not even written).
  std::span<const std::uint32_t> key_hashes() const { return {hashes_.get(), size_}; }
  bool is_keyed() const { return hashes_ != nullptr; }

  /// Arenas that the rows' text may lie in. They live at least as long as the batch.
  const ArenaList& arenas() const { return arenas_; }
  ArenaList& arenas() { return arenas_; }

  /// Memory the batch keeps alive, in bytes: rows, columns and its share of arenas (an estimate).
  virtual std::size_t memory_bytes() const = 0;

 protected:
  Batch() = default;

  std::size_t size_ = 0;
  std::unique_ptr<EventTime[]> times_;
  std::unique_ptr<std::uint32_t[]> hashes_;
  ArenaList arenas_;
};

/// Rows of one type, at most `capacity()` of them.
template <class T>
class TypedBatch final : public Batch {
 public:
  /// Rows a batch holds: about a thousand, fewer when rows are large.
  static constexpr std::size_t kCapacity =
      sizeof(T) >= 2048 ? 64 : (sizeof(T) > 128 ? 131072 / sizeof(T) : 1024);

  enum class Keyed { kNo, kYes };

  explicit TypedBatch(Keyed keyed = Keyed::kNo)
      : rows_(static_cast<T*>(
            ::operator new(sizeof(T) * kCapacity, std::align_val_t{alignof(T)}))) {
    times_.reset(new EventTime[kCapacity]);
    if (keyed == Keyed::kYes) hashes_.reset(new std::uint32_t[kCapacity]);
  }
  ~TypedBatch() override {
    std::destroy_n(rows_, size_);
    ::operator delete(rows_, std::align_val_t{alignof(T)});
  }

  std::span<T> rows() { return {rows_, size_}; }
  std::span<const T> rows() const { return {rows_, size_}; }
  bool full() const { return size_ == kCapacity; }

  /// Adds a row. Requires: not full.
  template <class... Args>
  T& append(EventTime time, Args&&... args) {
    WEIR_DCHECK(size_ < kCapacity);
    T* row = ::new (static_cast<void*>(rows_ + size_)) T{std::forward<Args>(args)...};
    times_[size_] = time;
    ++size_;
    return *row;
  }
  /// Adds a row with the hash of its key. Requires: keyed, not full.
  template <class... Args>
  T& append_keyed(std::uint32_t hash, EventTime time, Args&&... args) {
    hashes_[size_] = hash;
    return append(time, std::forward<Args>(args)...);
  }

  /// Makes room for the key hashes of an unkeyed batch and returns them for writing, one per row.
  std::uint32_t* make_keyed() {
    if (hashes_ == nullptr) hashes_.reset(new std::uint32_t[kCapacity]);
    return hashes_.get();
  }
  EventTime* mutable_times() { return times_.get(); }
  /// Counts rows that were constructed in place behind the last, with times (and hashes).
  void set_size(std::size_t size) {
    WEIR_DCHECK(size >= size_ && size <= kCapacity);
    size_ = size;
  }

  std::size_t memory_bytes() const override {
    return sizeof(*this) + kCapacity * (sizeof(T) + sizeof(EventTime)) +
           (is_keyed() ? kCapacity * sizeof(std::uint32_t) : 0) + arenas_.bytes();
  }

 private:
  T* rows_;
};

/// Rows `[begin, end)` of a batch, as handed to an operator.
struct BatchView {
  Batch& batch;
  std::size_t begin;
  std::size_t end;
  /// True when nobody else holds the batch: rows may be moved from.
  bool unique;

  std::size_t size() const { return end - begin; }

  template <class T>
  TypedBatch<T>& typed() const {
    return static_cast<TypedBatch<T>&>(batch);
  }
};

/// Takes batches: the next operator of a chain, or the edge out of it.
///
/// Thread: the subtask's.
class BatchConsumer {
 public:
  virtual ~BatchConsumer() = default;
  /// Always succeeds; where there is no room, the consumer queues.
  virtual void consume(BatchPtr batch) = 0;
};

}  // namespace weir
