// SPDX-License-Identifier: Apache-2.0
// filter, map, map over rows of 32 bytes: the fused operator and a loop with the same functions.
#include <memory>
#include <tuple>

#include "api/operators/fused_operator.h"
#include "bench/comparison.h"
#include "bench/micro/operator_driver.h"
#include "bench/micro/row.h"
#include "bench/nexmark/generator.h"

namespace weir::bench {
namespace {

// 640 KB with event times: fits into the second cache, so that memory is not what is measured.
constexpr std::size_t kRows = 16 * 1024;
constexpr std::size_t kRounds = 16;
constexpr std::size_t kRecords = kRounds * kRows;

constexpr auto kKeep = [](const Row& row) { return (row.tag & 7) != 0; };
constexpr auto kScale = [](const Row& row) {
  return Row{row.id, row.value * 3 + 1, row.weight, row.tag};
};
constexpr auto kCombine = [](const Row& row) {
  return Row{row.id, row.value, row.weight + row.value, row.tag ^ row.id};
};

using Keep = detail::FilterStep<std::remove_const_t<decltype(kKeep)>>;
using Scale = detail::MapStep<std::remove_const_t<decltype(kScale)>>;
using Combine = detail::MapStep<std::remove_const_t<decltype(kCombine)>>;
using Chain = detail::FusedOperator<Row, Row, Keep, Scale, Combine>;

Batches<Row> make_input() {
  nexmark::EventRandom random{7};
  return make_batches<Row>(
      kRows,
      [&random](std::size_t i) {
        return Row{static_cast<std::int64_t>(i), random.below(1000000), random.below(1000),
                   random.below(1 << 30)};
      },
      [](std::size_t i) { return EventTime{static_cast<std::int64_t>(i / 10)}; });
}

Outcome run_loop(const Batches<Row>& input) {
  Fold fold;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (const auto& batch : input) {
      const Row* const rows = batch->rows().data();
      const EventTime* const times = batch->times().data();
      const std::size_t size = batch->size();
      for (std::size_t i = 0; i < size; ++i) {
        if (kKeep(rows[i])) fold.add(kCombine(kScale(rows[i])), times[i]);
      }
    }
  }
  return fold.outcome();
}

Outcome run_weir(const Batches<Row>& input) {
  Chain chain(std::tuple{Keep{kKeep}, Scale{kScale}, Combine{kCombine}});
  FoldConsumer<Row> output;
  OperatorDriver driver(chain, output);
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (const auto& batch : input) driver.feed(*batch);
  }
  driver.finish();
  return output.outcome();
}

}  // namespace

void add_fused_chain(Suite& suite) {
  const auto input = std::make_shared<const Batches<Row>>(make_input());
  suite.add({.name = "chain/loop", .records = kRecords, .pass = [input] {
               return run_loop(*input);
             }});
  suite.add({.name = "chain/weir", .records = kRecords, .pass = [input] {
               return run_weir(*input);
             }});
  suite.compare({.title = "chain: filter, map, map over 32-byte rows",
                 .weir = "chain/weir",
                 .loop = "chain/loop",
                 .target = {Target::Kind::kRatioMax, 3}});
}

}  // namespace weir::bench
