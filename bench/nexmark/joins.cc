// SPDX-License-Identifier: Apache-2.0
// q4, q9 and q20: regular joins of auctions and bids, kept for ever on both sides.
#include <weir/weir.h>

#include <functional>
#include <memory>
#include <span>
#include <variant>

#include "bench/nexmark/checksum.h"
#include "bench/nexmark/final_table.h"
#include "bench/nexmark/join_rows.h"
#include "bench/nexmark/queries.h"

namespace weir::nexmark {

// How rows go into the final table.

std::uint64_t row_key(const CategoryAverage& row) {
  return static_cast<std::uint64_t>(row.category);
}
std::uint64_t row_checksum(const CategoryAverage& row) {
  return RowChecksum{}.number(row.category).number(row.average).value();
}

RowChecksum& add_auction(RowChecksum& checksum, const Auction& row) {
  return checksum.number(row.id)
      .text(row.item_name)
      .text(row.description)
      .number(row.initial_bid)
      .number(row.reserve)
      .number(row.date_time.millis())
      .number(row.expires.millis())
      .number(row.seller)
      .number(row.category)
      .text(row.extra);
}

std::uint64_t row_key(const WinningBid& row) { return static_cast<std::uint64_t>(row.auction.id); }
std::uint64_t row_checksum(const WinningBid& row) {
  RowChecksum checksum;
  return add_auction(checksum, row.auction)
      .number(row.offer.auction)
      .number(row.offer.bidder)
      .number(row.offer.price)
      .number(row.offer.date_time.millis())
      .text(row.offer.extra)
      .value();
}

std::uint64_t row_checksum(const BidWithAuction& row) {
  RowChecksum checksum;
  return add_auction(checksum, row.auction)
      .number(row.bid.bidder)
      .number(row.bid.price)
      .text(row.bid.channel)
      .text(row.bid.url)
      .number(row.bid.date_time.millis())
      .text(row.bid.extra)
      .value();
}

namespace {

bool is_in_time(const auto& auction, const auto& bid) {
  return auction.date_time <= bid.date_time && bid.date_time <= auction.expires;
}

/// q4: the highest price of each auction, over bids while it was open.
class HighestPrices : public KeyedProcessFunction<std::int64_t, TermOrPrice, HighestPrice> {
 public:
  void declare(States& states) {
    auction_ = states.value<AuctionTerm>("auction");
    bids_ = states.list<BidPrice>("bids");
    highest_ = states.value<std::int64_t>("highest-price");
  }
  void process(const TermOrPrice& row, Context&, Output& out) {
    if (const auto* bid = std::get_if<BidPrice>(&row)) {
      bids_.add(*bid);
      if (auction_.has_value()) offer(auction_.value(), *bid, out);
    } else {
      const auto& auction = std::get<AuctionTerm>(row);
      auction_.set(auction);
      for (const BidPrice& early : bids_.get()) offer(auction, early, out);
    }
  }

 private:
  void offer(const AuctionTerm& auction, const BidPrice& bid, Output& out) {
    if (!is_in_time(auction, bid)) return;
    HighestPrice change{auction.category, {}, bid.price};
    if (highest_.has_value()) {
      if (highest_.value() >= bid.price) return;
      change.before = highest_.value();
    }
    highest_.set(bid.price);
    out.emit(change);
  }

  ValueState<AuctionTerm> auction_;
  ListState<BidPrice> bids_;
  ValueState<std::int64_t> highest_;
};

/// q4: the average of the highest prices of each category.
class AveragePrices : public KeyedProcessFunction<std::int64_t, HighestPrice, CategoryAverage> {
 public:
  void declare(States& states) { total_ = states.value<PriceTotal>("total"); }
  void process(const HighestPrice& change, Context&, Output& out) {
    total_.update([&](PriceTotal& total) {
      total.sum += change.now - change.before.value_or(0);
      total.auctions += change.before ? 0 : 1;
      out.emit({change.category, total.sum / total.auctions});
    });
  }

 private:
  ValueState<PriceTotal> total_;
};

/// q9: the winning bid of each auction, whole rows.
class WinningBids : public KeyedProcessFunction<std::int64_t, AuctionOrOffer, WinningBid> {
 public:
  void declare(States& states) {
    auction_ = states.value<Auction>("auction");
    offers_ = states.list<Offer>("offers");
    winner_ = states.value<Offer>("winner");
  }
  void process(const AuctionOrOffer& row, Context&, Output& out) {
    if (const auto* bid = std::get_if<Offer>(&row)) {
      offers_.add(*bid);
      if (auction_.has_value()) offer(auction_.value(), *bid, out);
    } else {
      const auto& auction = std::get<Auction>(row);
      auction_.set(auction);
      for (const Offer& early : offers_.get()) offer(auction, early, out);
    }
  }

 private:
  // Of bids that are alike in price and time SQL takes any; the order of the other columns makes
  // it the same one every time.
  static bool wins(const Offer& bid, const Offer& winner) {
    if (bid.price != winner.price) return bid.price > winner.price;
    if (bid.date_time != winner.date_time) return bid.date_time < winner.date_time;
    if (bid.bidder != winner.bidder) return bid.bidder < winner.bidder;
    return bid.extra < winner.extra;
  }
  void offer(const Auction& auction, const Offer& bid, Output& out) {
    if (!is_in_time(auction, bid)) return;
    if (winner_.has_value() && !wins(bid, winner_.value())) return;
    winner_.set(bid);
    out.emit({auction, bid});
  }

  ValueState<Auction> auction_;
  ListState<Offer> offers_;
  ValueState<Offer> winner_;
};

/// q20: bids with their auctions, whole rows.
class BidsWithAuctions : public KeyedProcessFunction<std::int64_t, AuctionOrBid, BidWithAuction> {
 public:
  void declare(States& states) {
    auction_ = states.value<Auction>("auction");
    bids_ = states.list<Bid>("bids");
  }
  void process(const AuctionOrBid& row, Context&, Output& out) {
    if (const auto* bid = std::get_if<Bid>(&row)) {
      bids_.add(*bid);
      if (auction_.has_value()) out.emit({*bid, auction_.value()});
    } else {
      const auto& auction = std::get<Auction>(row);
      auction_.set(auction);
      for (const Bid& early : bids_.get()) out.emit({early, auction});
    }
  }

 private:
  ValueState<Auction> auction_;
  ListState<Bid> bids_;
};

bool is_auction_or_bid(const Event& event) { return !std::holds_alternative<Person>(event); }

// The auction of either side of a join, which comes first in both.
template <class... Sides>
std::int64_t auction_of(const std::variant<Auction, Sides...>& row) {
  if (const auto* auction = std::get_if<Auction>(&row)) return auction->id;
  return std::get<1>(row).auction;
}
std::int64_t auction_of(const TermOrPrice& row) {
  if (const auto* auction = std::get_if<AuctionTerm>(&row)) return auction->id;
  return std::get<BidPrice>(row).auction;
}

}  // namespace

QueryResult run_q4(const JobSetup& setup) {
  Job job("nexmark-q4", setup);
  const auto table = std::make_shared<FinalTable>();
  job.events()
      .filter(is_auction_or_bid)
      .map([](const Event& event) -> TermOrPrice {
        if (const auto* bid = std::get_if<Bid>(&event)) {
          return BidPrice{bid->auction, bid->price, bid->date_time};
        }
        const auto& auction = std::get<Auction>(event);
        return AuctionTerm{auction.id, auction.category, auction.date_time, auction.expires};
      })
      .key_by([](const TermOrPrice& row) { return auction_of(row); })
      .process("highest-prices", HighestPrices())
      .key_by(&HighestPrice::category)
      .process("average-prices", AveragePrices())
      .sink_to("averages", FinalTableSink<CategoryAverage>{table});
  const JobFigures figures = job.run();
  return table->take(figures);
}

QueryResult run_q9(const JobSetup& setup) {
  Job job("nexmark-q9", setup);
  const auto table = std::make_shared<FinalTable>();
  job.events()
      .filter(is_auction_or_bid)
      .map([](const Event& event) -> AuctionOrOffer {
        if (const auto* bid = std::get_if<Bid>(&event)) {
          return Offer{bid->auction, bid->bidder, bid->price, bid->date_time, bid->extra};
        }
        return std::get<Auction>(event);
      })
      .key_by([](const AuctionOrOffer& row) { return auction_of(row); })
      .process("winning-bids", WinningBids())
      .sink_to("winners", FinalTableSink<WinningBid>{table});
  const JobFigures figures = job.run();
  return table->take(figures);
}

QueryResult run_q20(const JobSetup& setup) {
  constexpr std::int64_t kCategory = 10;
  Job job("nexmark-q20", setup);
  const auto table = std::make_shared<FinalTable>();
  job.events()
      .filter([](const Event& event) {
        const auto* auction = std::get_if<Auction>(&event);
        return auction != nullptr ? auction->category == kCategory
                                  : std::holds_alternative<Bid>(event);
      })
      .map([](const Event& event) -> AuctionOrBid {
        if (const auto* bid = std::get_if<Bid>(&event)) return *bid;
        return std::get<Auction>(event);
      })
      .key_by([](const AuctionOrBid& row) { return auction_of(row); })
      .process("bids-with-auctions", BidsWithAuctions())
      .sink_to("bids", AllRowsSink<BidWithAuction>{table});
  const JobFigures figures = job.run();
  return table->take(figures);
}

}  // namespace weir::nexmark
