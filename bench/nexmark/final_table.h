// SPDX-License-Identifier: Apache-2.0
// FinalTableSink: keeps the last row of every key outside of the job, as a checksum per row.
#pragma once

#include <weir/weir.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bench/nexmark/query_result.h"
#include "core/sink.h"

namespace weir::nexmark {

/// From keys to the checksums of their last rows. Open addressing, nothing is erased.
class RowTable {
 public:
  void prefetch(std::uint64_t key) const { __builtin_prefetch(&slots_[home(key)], 1); }
  /// `key` is not 0.
  void put(std::uint64_t key, std::uint64_t checksum) {
    if (used_ * 2 > slots_.size()) grow();
    Slot& slot = slots_[place(key)];
    used_ += slot.key == 0 ? 1 : 0;
    slot = {key, checksum};
  }
  std::uint64_t rows() const { return used_; }
  std::uint64_t checksum() const {
    std::uint64_t sum = 0;
    for (const Slot& slot : slots_) sum += slot.checksum;
    return sum;
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint64_t checksum = 0;
  };
  std::size_t home(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15ULL) >> shift_);
  }
  std::size_t place(std::uint64_t key) const {
    std::size_t at = home(key);
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 4));
    shift_ -= 2;
    for (const Slot& slot : old) {
      if (slot.key != 0) slots_[place(slot.key)] = slot;
    }
  }

  int shift_ = 48;
  std::vector<Slot> slots_ = std::vector<Slot>(1 << 16);
  std::size_t used_ = 0;
};

/// The sum of what all writers of a sink kept. Shared by the sink's copies and whoever runs the
/// job.
class FinalTable {
 public:
  void add(std::uint64_t rows, std::uint64_t checksum) {
    const std::lock_guard lock(mutex_);
    rows_ += rows;
    checksum_ += checksum;
  }
  QueryResult take(const JobFigures& figures) const { return {rows_, checksum_, figures}; }

 private:
  std::mutex mutex_;
  std::uint64_t rows_ = 0;
  std::uint64_t checksum_ = 0;
};

/// Takes rows that replace the last row of their key. All rows of a key must come through the same
/// subtask. `Row` has `std::uint64_t row_key(const Row&)`, not 0, and
/// `std::uint64_t row_checksum(const Row&)`.
template <class Row>
struct FinalTableSink {
  std::shared_ptr<FinalTable> table;

  std::vector<std::string> validate() const { return {}; }
  std::unique_ptr<SinkWriter<Row>> make_writer() const { return std::make_unique<Writer>(table); }

 private:
  class Writer final : public SinkWriter<Row> {
   public:
    explicit Writer(std::shared_ptr<FinalTable> table) : table_(std::move(table)) {}
    void open(OperatorContext&) override {}
    void write(const TypedBatch<Row>& batch, std::size_t begin, std::size_t end) override {
      const auto rows = batch.rows();
      for (std::size_t i = begin; i < end; ++i) {
        if (i + kAhead < end) part_.prefetch(row_key(rows[i + kAhead]));
        part_.put(row_key(rows[i]), row_checksum(rows[i]));
      }
    }
    void finish() override { table_->add(part_.rows(), part_.checksum()); }

   private:
    static constexpr std::size_t kAhead = 16;
    const std::shared_ptr<FinalTable> table_;
    RowTable part_;
  };
};

/// Takes rows that replace nothing: the final table is all of them. `Row` has
/// `std::uint64_t row_checksum(const Row&)`.
template <class Row>
struct AllRowsSink {
  std::shared_ptr<FinalTable> table;

  std::vector<std::string> validate() const { return {}; }
  std::unique_ptr<SinkWriter<Row>> make_writer() const { return std::make_unique<Writer>(table); }

 private:
  class Writer final : public SinkWriter<Row> {
   public:
    explicit Writer(std::shared_ptr<FinalTable> table) : table_(std::move(table)) {}
    void open(OperatorContext&) override {}
    void write(const TypedBatch<Row>& batch, std::size_t begin, std::size_t end) override {
      for (const Row& row : batch.rows().subspan(begin, end - begin)) {
        checksum_ += row_checksum(row);
      }
      rows_ += end - begin;
    }
    void finish() override { table_->add(rows_, checksum_); }

   private:
    const std::shared_ptr<FinalTable> table_;
    std::uint64_t rows_ = 0;
    std::uint64_t checksum_ = 0;
  };
};

}  // namespace weir::nexmark
