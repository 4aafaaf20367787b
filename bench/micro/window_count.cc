// SPDX-License-Identifier: Apache-2.0
// Counts per key in tumbling and sliding windows, 10,000 keys: the slice window operator, and loops
// with a hash table per slice.
//
// A hundred thousand records per second of event time, so that every key has ten records a slice
// and closing windows weighs: a sliding window merges one entry per record.
#include <memory>
#include <vector>

#include "api/operators/function_traits.h"
#include "api/operators/slice_window_operator.h"
#include "bench/comparison.h"
#include "bench/count_table.h"
#include "bench/micro/operator_driver.h"
#include "bench/micro/row.h"
#include "bench/nexmark/generator.h"

namespace weir::bench {
namespace {

constexpr std::size_t kRecords = 2'000'000;
constexpr std::int64_t kKeys = 10000;
constexpr std::int64_t kRecordsPerMilli = 100;
constexpr std::int64_t kSlideMillis = 1000;
// The watermark follows every 200 ms, as a source's does by default.
constexpr std::int64_t kWatermarkMillis = 200;

Batches<KeyedRow> make_input() {
  nexmark::EventRandom random{13};
  return make_batches<KeyedRow>(
      kRecords,
      [&random](std::size_t i) {
        return KeyedRow{random.below(kKeys), static_cast<std::int64_t>(i)};
      },
      [](std::size_t i) { return EventTime{static_cast<std::int64_t>(i) / kRecordsPerMilli}; });
}

// What a window gives, as a row to fold.
void fold_result(Fold& fold, std::int64_t key, std::int64_t start, std::int64_t end,
                 std::int64_t count) {
  fold.add(key, start, end, count, EventTime{end - 1});
}

class ResultConsumer final : public BatchConsumer {
 public:
  using Result = WindowResult<std::int64_t, std::uint64_t>;
  void consume(BatchPtr batch) override {
    for (const Result& row : static_cast<const TypedBatch<Result>&>(*batch).rows()) {
      fold_result(fold_, row.key, row.start.millis(), row.end.millis(),
                  static_cast<std::int64_t>(row.value));
    }
  }
  Outcome outcome() const { return fold_.outcome(); }

 private:
  Fold fold_;
};

// The windows of `slices` slices; one slice makes them tumbling.
class LoopWindows {
 public:
  explicit LoopWindows(int slices) : total_(kSlots) {
    for (int i = 0; i < slices; ++i) slices_.emplace_back(kSlots);
  }
  void add(std::int64_t key, std::int64_t time) {
    while (time >= end_) close_slice();
    slices_[current_].add(key, 1);
  }
  Outcome finish() {
    for (std::size_t i = 0; i < slices_.size(); ++i) close_slice();
    return fold_.outcome();
  }

 private:
  static constexpr std::size_t kSlots = 1 << 15;

  void close_slice() {
    const std::int64_t start = end_ - kSlideMillis * static_cast<std::int64_t>(slices_.size());
    if (slices_.size() == 1) {
      emit(slices_[0], start);
    } else {
      total_.clear();
      for (const CountTable& slice : slices_) {
        for (const CountTable::Entry& entry : slice.entries()) {
          if (entry.key != -1) total_.add(entry.key, entry.count);
        }
      }
      emit(total_, start);
    }
    end_ += kSlideMillis;
    current_ = (current_ + 1) % slices_.size();
    slices_[current_].clear();
  }
  void emit(const CountTable& table, std::int64_t start) {
    for (const CountTable::Entry& entry : table.entries()) {
      if (entry.key != -1) fold_result(fold_, entry.key, start, end_, entry.count);
    }
  }

  std::vector<CountTable> slices_;
  CountTable total_;
  std::size_t current_ = 0;
  std::int64_t end_ = kSlideMillis;
  Fold fold_;
};

Outcome run_loop(const Batches<KeyedRow>& input, int slices) {
  LoopWindows windows(slices);
  for (const auto& batch : input) {
    const KeyedRow* const rows = batch->rows().data();
    const EventTime* const times = batch->times().data();
    const std::size_t size = batch->size();
    for (std::size_t i = 0; i < size; ++i) windows.add(rows[i].key, times[i].millis());
  }
  return windows.finish();
}

Outcome run_weir(const Batches<KeyedRow>& input, WindowAssigner windows) {
  using KeyBy = detail::KeySelector<KeyedRow, std::int64_t KeyedRow::*>;
  detail::SliceWindowOperator<KeyedRow, KeyBy, detail::Count> op(
      KeyBy(&KeyedRow::key), count(), detail::PlainWindowEmit{},
      {.windows = windows, .allowed_lateness = Duration{0}, .late_tag = ""});
  ResultConsumer output;
  OperatorDriver driver(op, output);
  std::int64_t next_watermark = kWatermarkMillis;
  for (const auto& batch : input) {
    driver.feed(*batch);
    const std::int64_t newest = batch->times().back().millis();
    if (newest >= next_watermark) {
      driver.watermark(EventTime{newest - 1});
      next_watermark = newest + kWatermarkMillis;
    }
  }
  driver.finish();
  return output.outcome();
}

}  // namespace

void add_window_count(Suite& suite) {
  const auto input = std::make_shared<const Batches<KeyedRow>>(make_input());
  const auto add = [&suite, &input](const std::string& kind, const std::string& title, int slices) {
    const WindowAssigner windows{Duration{kSlideMillis * slices}, Duration{kSlideMillis}};
    suite.add({.name = kind + "/loop", .records = kRecords, .pass = [input, slices] {
                 return run_loop(*input, slices);
               }});
    suite.add({.name = kind + "/weir", .records = kRecords, .pass = [input, windows] {
                 return run_weir(*input, windows);
               }});
    suite.compare({.title = title,
                   .weir = kind + "/weir",
                   .loop = kind + "/loop",
                   .target = {Target::Kind::kRateMin, 20}});
  };
  add("tumbling-count", "tumbling count, 1 s, 10,000 keys", 1);
  add("sliding-count", "sliding count, 10 s by 1 s, 10,000 keys", 10);
}

}  // namespace weir::bench
