// SPDX-License-Identifier: Apache-2.0
// The Nexmark records as Weir carries them: full size, their text in the batch.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include <weir/weir.h>

namespace weir::nexmark {

struct Person {
  std::int64_t id;
  Text name;
  Text email_address;
  Text credit_card;
  Text city;
  Text state;
  EventTime date_time;
  Text extra;
};
WEIR_RECORD(Person, id, name, email_address, credit_card, city, state, date_time, extra)

struct Auction {
  std::int64_t id;
  Text item_name;
  Text description;
  std::int64_t initial_bid;
  std::int64_t reserve;
  EventTime date_time;
  EventTime expires;
  std::int64_t seller;
  std::int64_t category;
  Text extra;
};
WEIR_RECORD(Auction, id, item_name, description, initial_bid, reserve, date_time, expires, seller,
            category, extra)

struct Bid {
  std::int64_t auction;
  std::int64_t bidder;
  std::int64_t price;
  Text channel;
  Text url;
  EventTime date_time;
  Text extra;
};
WEIR_RECORD(Bid, auction, bidder, price, channel, url, date_time, extra)

/// One record of the generated stream.
using Event = std::variant<Person, Auction, Bid>;

/// What q0 passes on.
struct BidSummary {
  std::int64_t auction;
  std::int64_t bidder;
  std::int64_t price;
  EventTime date_time;
  Text extra;
};
WEIR_RECORD(BidSummary, auction, bidder, price, date_time, extra)

/// What q5 needs of a bid.
struct BidOn {
  std::int64_t auction;
};
WEIR_RECORD(BidOn, auction)

/// Bids for an auction in the window that ends at `window_end`.
struct AuctionBids {
  std::int64_t auction;
  std::uint64_t bids;
  EventTime window_end;
};
WEIR_RECORD(AuctionBids, auction, bids, window_end)

/// The most bids for one auction in a window, and the auctions that had so many.
struct MostBids {
  std::uint64_t bids = 0;
  std::vector<std::int64_t> auctions;
};
WEIR_RECORD(MostBids, bids, auctions)

}  // namespace weir::nexmark
