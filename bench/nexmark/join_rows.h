// SPDX-License-Identifier: Apache-2.0
// What the joins of auctions and bids (q4, q9, q20) keep and emit.
#pragma once

#include <weir/weir.h>

#include <cstdint>
#include <optional>
#include <variant>

#include "bench/nexmark/rows.h"

namespace weir::nexmark {

// q4.

/// The columns of an auction that q4 needs.
struct AuctionTerm {
  std::int64_t id;
  std::int64_t category;
  EventTime date_time;
  EventTime expires;
};
WEIR_RECORD(AuctionTerm, id, category, date_time, expires)

/// The columns of a bid that q4 needs.
struct BidPrice {
  std::int64_t auction;
  std::int64_t price;
  EventTime date_time;
};
WEIR_RECORD(BidPrice, auction, price, date_time)

using TermOrPrice = std::variant<AuctionTerm, BidPrice>;

/// The highest price of one auction has changed.
struct HighestPrice {
  std::int64_t category;
  std::optional<std::int64_t> before;
  std::int64_t now;
};
WEIR_RECORD(HighestPrice, category, before, now)

/// What q4 knows of a category: the sum over its auctions that have a price.
struct PriceTotal {
  std::int64_t sum = 0;
  std::int64_t auctions = 0;
};
WEIR_RECORD(PriceTotal, sum, auctions)

/// What q4 gives: one row per category, updated.
struct CategoryAverage {
  std::int64_t category;
  std::int64_t average;
};
WEIR_RECORD(CategoryAverage, category, average)

// q9.

/// The columns of a bid that q9 needs.
struct Offer {
  std::int64_t auction;
  std::int64_t bidder;
  std::int64_t price;
  EventTime date_time;
  Text extra;
};
WEIR_RECORD(Offer, auction, bidder, price, date_time, extra)

using AuctionOrOffer = std::variant<Auction, Offer>;

/// What q9 gives: an auction and its winning bid, 15 columns.
struct WinningBid {
  Auction auction;
  Offer offer;
};
WEIR_RECORD(WinningBid, auction, offer)

// q20.

using AuctionOrBid = std::variant<Auction, Bid>;

/// What q20 gives: a bid with its auction, whose id is the bid's.
struct BidWithAuction {
  Bid bid;
  Auction auction;
};
WEIR_RECORD(BidWithAuction, bid, auction)

}  // namespace weir::nexmark
