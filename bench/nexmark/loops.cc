// SPDX-License-Identifier: Apache-2.0
// The hand-written loops.
#include "bench/nexmark/loops.h"

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/count_table.h"
#include "bench/nexmark/checksum.h"
#include "bench/nexmark/generator.h"

namespace weir::nexmark {
namespace {

using bench::CountTable;

// Rows as views into one buffer that is used again for every block of events.
class LoopMaker {
 public:
  using Text = std::string_view;
  using Time = std::int64_t;
  LoopMaker() : buffer_(new char[kBytes]) {}
  char* allocate(std::size_t size) {
    char* start = buffer_.get() + used_;
    used_ += size;
    return start;
  }
  std::string_view text(char* bytes, std::size_t size) { return {bytes, size}; }
  static std::string_view constant(std::string_view value) { return value; }
  void reuse() { used_ = 0; }

 private:
  static constexpr std::size_t kBytes = 1 << 20;
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
};

struct LoopBid {
  std::int64_t auction, bidder, price;
  std::string_view channel, url;
  std::int64_t date_time;
  std::string_view extra;
};
struct LoopAuction {
  std::int64_t id;
  std::string_view item_name, description;
  std::int64_t initial_bid, reserve, date_time, expires, seller, category;
  std::string_view extra;
};
struct LoopPerson {
  std::int64_t id;
  std::string_view name, email_address, credit_card, city, state;
  std::int64_t date_time;
  std::string_view extra;
};

// Makes every event, full size, and hands the bids to `on_bid`.
template <class OnBid>
void for_each_bid(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second,
                  OnBid on_bid) {
  const Generator<LoopMaker> generator{seed, events_per_second};
  LoopMaker maker;
  LoopBid bid;
  LoopAuction auction;
  LoopPerson person;
  for (std::int64_t number = 0; number < events; ++number) {
    if (number % 1024 == 0) maker.reuse();
    switch (kind_of(number)) {
      case EventKind::kPerson:
        generator.make_person(number, maker, person);
        break;
      case EventKind::kAuction:
        generator.make_auction(number, maker, auction);
        break;
      case EventKind::kBid:
        generator.make_bid(number, maker, bid);
        on_bid(bid);
        break;
    }
  }
}

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
