// SPDX-License-Identifier: Apache-2.0
// q18 and q19: the last bid per bidder and auction, and the ten highest per auction.
#include <weir/weir.h>

#include <cstdint>
#include <memory>
#include <tuple>
#include <variant>

#include "bench/nexmark/checksum.h"
#include "bench/nexmark/final_table.h"
#include "bench/nexmark/queries.h"
#include "bench/nexmark/rows.h"

namespace weir::nexmark {

/// What q19 gives: a bid and its place among those for its auction, from 1.
struct RankedBid {
  Bid bid;
  std::int64_t rank;
};
WEIR_RECORD(RankedBid, bid, rank)

/// How q19 orders the bids of an auction. Of bids of one price SQL takes any; the other columns
/// make them the same every time.
struct BidOrder {
  std::int64_t falling_price;
  EventTime date_time;
  std::int64_t bidder;
  Text extra;
};
WEIR_RECORD(BidOrder, falling_price, date_time, bidder, extra)

/// The columns of a bid that are neither in its order nor its auction.
struct BidOrigin {
  Text channel;
  Text url;
};
WEIR_RECORD(BidOrigin, channel, url)

RowChecksum& add_bid(RowChecksum& checksum, const Bid& row) {
  return checksum.number(row.auction)
      .number(row.bidder)
      .number(row.price)
      .text(row.channel)
      .text(row.url)
      .number(row.date_time.millis())
      .text(row.extra);
}

std::uint64_t row_key(const Bid& row) {
  return static_cast<std::uint64_t>(row.bidder) << 32 | static_cast<std::uint64_t>(row.auction);
}
std::uint64_t row_checksum(const Bid& row) {
  RowChecksum checksum;
  return add_bid(checksum, row).value();
}

std::uint64_t row_key(const RankedBid& row) {
  return static_cast<std::uint64_t>(row.bid.auction) << 8 | static_cast<std::uint64_t>(row.rank);
}
std::uint64_t row_checksum(const RankedBid& row) {
  RowChecksum checksum;
  return add_bid(checksum, row.bid).number(row.rank).value();
}

namespace {

const Bid& bid_of(const Event& event) { return std::get<Bid>(event); }
bool is_bid(const Event& event) { return std::holds_alternative<Bid>(event); }

/// q18: keeps the last bid by time.
class LastBid : public KeyedProcessFunction<std::tuple<std::int64_t, std::int64_t>, Bid, Bid> {
 public:
  void declare(States& states) { last_ = states.value<Bid>("last-bid"); }
  void process(const Bid& bid, Context&, Output& out) {
    if (last_.has_value() && !is_later(bid, last_.value())) return;
    last_.set(bid);
    out.emit(bid);
  }

 private:
  // Of bids of the same time SQL takes any; the other columns make it the same one every time.
  static bool is_later(const Bid& bid, const Bid& last) {
    if (bid.date_time != last.date_time) return bid.date_time > last.date_time;
    if (bid.price != last.price) return bid.price > last.price;
    return bid.extra > last.extra;
  }

  ValueState<Bid> last_;
};

/// q19: keeps the ten highest bids and emits those whose place has changed.
class HighestBids : public KeyedProcessFunction<std::int64_t, Bid, RankedBid> {
 public:
  void declare(States& states) { bids_ = states.map<BidOrder, BidOrigin>("highest-bids"); }
  void process(const Bid& bid, Context&, Output& out) {
    const BidOrder order{-bid.price, bid.date_time, bid.bidder, bid.extra};
    if (bids_.size() == kRanks) {
      const BidOrder last = bids_.entries().back().key;
      if (!KeyLess<BidOrder>()(order, last)) return;
      bids_.remove(last);
    }
    bids_.put(order, {bid.channel, bid.url});
    std::int64_t rank = 0;
    bool is_behind = false;
    for (const auto& [place, origin] : bids_.entries()) {
      ++rank;
      is_behind = is_behind || !KeyLess<BidOrder>()(place, order);
      if (!is_behind) continue;
      out.emit({{bid.auction, place.bidder, -place.falling_price, origin.channel, origin.url,
                 place.date_time, place.extra},
                rank});
    }
  }

 private:
  static constexpr std::size_t kRanks = 10;
  MapState<BidOrder, BidOrigin> bids_;
};

}  // namespace

QueryResult run_q18(const JobSetup& setup) {
  Job job("nexmark-q18", setup);
  const auto table = std::make_shared<FinalTable>();
  job.events()
      .filter(is_bid)
      .map(bid_of)
      .key_by(&Bid::bidder, &Bid::auction)
      .process("last-bid", LastBid())
      .sink_to("bids", FinalTableSink<Bid>{table});
  const JobFigures figures = job.run();
  return table->take(figures);
}

QueryResult run_q19(const JobSetup& setup) {
  Job job("nexmark-q19", setup);
  const auto table = std::make_shared<FinalTable>();
  job.events()
      .filter(is_bid)
      .map(bid_of)
      .key_by(&Bid::auction)
      .process("highest-bids", HighestBids())
      .sink_to("bids", FinalTableSink<RankedBid>{table});
  const JobFigures figures = job.run();
  return table->take(figures);
}

}  // namespace weir::nexmark
