// SPDX-License-Identifier: Apache-2.0
// The rows of the small benchmarks, and the checksums that Weir and loops fold them into.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "bench/comparison.h"
#include "core/batch.h"
#include "types/record.h"

namespace weir::bench {

/// 32 bytes, no text.
struct Row {
  std::int64_t id;
  std::int64_t value;
  std::int64_t weight;
  std::int64_t tag;
};
WEIR_RECORD(Row, id, value, weight, tag)

struct KeyedRow {
  std::int64_t key;
  std::int64_t value;
};
WEIR_RECORD(KeyedRow, key, value)

/// Adds up rows so that each field and its place counts but the order of the rows does not. Cheap,
/// so that it does not hide what is measured: two multiplications for a row of four fields.
class Fold {
 public:
  void add(std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d, EventTime time) {
    ++rows_;
    const std::uint64_t first =
        bits(a) ^ std::rotl(bits(b), 24) ^ std::rotl(bits(time.millis()), 7);
    const std::uint64_t second = bits(c) ^ std::rotl(bits(d), 24) ^ first;
    sum_ += first * 0x9e3779b97f4a7c15U + second * 0xd1342543de82ef95U;
  }
  void add(const Row& row, EventTime time) { add(row.id, row.value, row.weight, row.tag, time); }
  void add(const KeyedRow& row, EventTime time) { add(row.key, row.value, 0, 0, time); }

  Outcome outcome() const { return {rows_, sum_}; }

 private:
  static std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

  std::uint64_t rows_ = 0;
  std::uint64_t sum_ = 0;
};

/// The end of what is measured: folds every row.
template <class T>
class FoldConsumer final : public BatchConsumer {
 public:
  void consume(BatchPtr batch) override {
    const T* const rows = static_cast<const TypedBatch<T>&>(*batch).rows().data();
    const EventTime* const times = batch->times().data();
    const std::size_t size = batch->size();
    for (std::size_t i = 0; i < size; ++i) fold_.add(rows[i], times[i]);
  }
  Outcome outcome() const { return fold_.outcome(); }

 private:
  Fold fold_;
};

/// Input, made once: batches for Weir, which the loop reads as arrays.
template <class T>
using Batches = std::vector<std::unique_ptr<TypedBatch<T>>>;

/// `make(i)` gives row i, `time(i)` its event time.
template <class T, class Make, class Time>
Batches<T> make_batches(std::size_t records, Make&& make, Time&& time) {
  Batches<T> batches;
  for (std::size_t i = 0; i < records; ++i) {
    if (batches.empty() || batches.back()->full()) {
      batches.push_back(std::make_unique<TypedBatch<T>>());
    }
    batches.back()->append(time(i), make(i));
  }
  return batches;
}

}  // namespace weir::bench
