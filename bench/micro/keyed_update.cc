// SPDX-License-Identifier: Apache-2.0
// A running sum per key, 10,000 keys: a keyed process function with value state, and a loop over a
// hash table. Both emit the sum with every record.
#include <memory>

#include <weir/functions.h>

#include "api/operators/process_operator.h"
#include "bench/comparison.h"
#include "bench/count_table.h"
#include "bench/micro/operator_driver.h"
#include "bench/micro/row.h"
#include "bench/nexmark/generator.h"

namespace weir::bench {
namespace {

constexpr std::size_t kRecords = 1 << 20;
constexpr std::int64_t kKeys = 10000;

class RunningSum : public KeyedProcessFunction<std::int64_t, KeyedRow, KeyedRow> {
 public:
  void declare(States& states) { sum_ = states.value<std::int64_t>("sum"); }
  void process(const KeyedRow& row, Context&, Output& out) {
    sum_.update([&row](std::int64_t& sum) { sum += row.value; });
    out.emit({row.key, sum_.value()});
  }

 private:
  ValueState<std::int64_t> sum_;
};

Batches<KeyedRow> make_input() {
  nexmark::EventRandom random{11};
  return make_batches<KeyedRow>(
      kRecords,
      [&random](std::size_t) {
        return KeyedRow{random.below(kKeys), random.below(1000)};
      },
      [](std::size_t i) { return EventTime{static_cast<std::int64_t>(i / 1000)}; });
}

Outcome run_loop(const Batches<KeyedRow>& input) {
  Fold fold;
  CountTable sums;
  for (const auto& batch : input) {
    const KeyedRow* const rows = batch->rows().data();
    const EventTime* const times = batch->times().data();
    const std::size_t size = batch->size();
    for (std::size_t i = 0; i < size; ++i) {
      fold.add(KeyedRow{rows[i].key, sums.add(rows[i].key, rows[i].value)}, times[i]);
    }
  }
  return fold.outcome();
}

Outcome run_weir(const Batches<KeyedRow>& input) {
  using KeyBy = detail::KeySelector<KeyedRow, std::int64_t KeyedRow::*>;
  detail::ProcessOperator<KeyedRow, KeyBy, RunningSum, KeyedRow> op(KeyBy(&KeyedRow::key),
                                                                    RunningSum{}, nullptr);
  FoldConsumer<KeyedRow> output;
  OperatorDriver driver(op, output);
  for (const auto& batch : input) driver.feed(*batch);
  driver.finish();
  return output.outcome();
}

}  // namespace

void add_keyed_update(Suite& suite) {
  const auto input = std::make_shared<const Batches<KeyedRow>>(make_input());
  suite.add({.name = "keyed-update/loop", .records = kRecords, .pass = [input] {
               return run_loop(*input);
             }});
  suite.add({.name = "keyed-update/weir", .records = kRecords, .pass = [input] {
               return run_weir(*input);
             }});
  suite.compare({.title = "keyed value update, 10,000 keys, hashing included",
                 .weir = "keyed-update/weir",
                 .loop = "keyed-update/loop",
                 .target = {}});
}

}  // namespace weir::bench
