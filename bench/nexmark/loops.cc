// SPDX-License-Identifier: Apache-2.0
// The loops of q0 and q5.
#include "bench/nexmark/loops.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "bench/count_table.h"
#include "bench/nexmark/checksum.h"
#include "bench/nexmark/generator.h"
#include "bench/nexmark/loop_events.h"

namespace weir::nexmark {
namespace {

using bench::CountTable;

class HotAuctions {
 public:
  void add(std::int64_t auction, std::int64_t time) {
    const std::int64_t slice = time / kSlideMillis;
    while (slice > current_) close_slice();
    slices_[static_cast<std::size_t>(slice % kSlices)].add(auction, 1);
  }
  QueryResult finish() {
    for (int i = 0; i < kSlices; ++i) close_slice();
    return result_;
  }
  void start(std::int64_t time) { current_ = time / kSlideMillis; }

 private:
  static constexpr std::int64_t kSlideMillis = 2000;
  static constexpr int kSlices = 5;

  // The slice `current_` is over: the window that ends with it closes.
  void close_slice() {
    total_.clear();
    for (const CountTable& slice : slices_) {
      for (const CountTable::Entry& entry : slice.entries()) {
        if (entry.key != -1) total_.add(entry.key, entry.count);
      }
    }
    std::int64_t most = 0;
    for (const CountTable::Entry& entry : total_.entries()) most = std::max(most, entry.count);
    if (most > 0) {
      for (const CountTable::Entry& entry : total_.entries()) {
        if (entry.count != most) continue;
        ++result_.rows;
        result_.checksum += RowChecksum{}.number(entry.key).number(entry.count).value();
      }
    }
    ++current_;
    slices_[static_cast<std::size_t>(current_ % kSlices)].clear();
  }

  std::array<CountTable, kSlices> slices_;
  CountTable total_;
  std::int64_t current_ = 0;
  QueryResult result_;
};

}  // namespace

QueryResult loop_q0(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second) {
  QueryResult result;
  for_each_bid(seed, events, events_per_second, [&result](const LoopBid& bid) {
    ++result.rows;
    result.checksum += RowChecksum{}
                           .number(bid.auction)
                           .number(bid.bidder)
                           .number(bid.price)
                           .number(bid.date_time)
                           .text(bid.extra)
                           .value();
  });
  return result;
}

QueryResult loop_q5(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second) {
  HotAuctions hot;
  hot.start(kBaseTimeMillis);
  for_each_bid(seed, events, events_per_second,
               [&hot](const LoopBid& bid) { hot.add(bid.auction, bid.date_time); });
  return hot.finish();
}

}  // namespace weir::nexmark
