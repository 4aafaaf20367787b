// SPDX-License-Identifier: Apache-2.0
// The loops of q4, q9 and q20, which join auctions and bids.
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/nexmark/checksum.h"
#include "bench/nexmark/loop_events.h"
#include "bench/nexmark/loops.h"

namespace weir::nexmark {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFF;

// Both sides of a join on the auction, kept for ever. The bids of an auction are a list through
// one array. `Best` is whatever a query keeps per auction besides.
template <class AuctionRow, class BidRow, class Best>
class JoinTable {
 public:
  struct Entry {
    bool has_auction = false;
    std::uint32_t last_bid = kNone;
    AuctionRow auction;
    Best best{};
  };

  Entry& entry(std::int64_t auction) {
    const auto found = numbers_.number(static_cast<std::uint64_t>(auction));
    if (found.is_new) entries_.emplace_back();
    return entries_[found.number];
  }
  void add_bid(Entry& entry, const BidRow& bid) {
    bids_.push_back({bid, entry.last_bid});
    entry.last_bid = static_cast<std::uint32_t>(bids_.size() - 1);
  }
  template <class F>
  void for_each_bid(const Entry& entry, F f) const {
    for (std::uint32_t at = entry.last_bid; at != kNone; at = bids_[at].next) f(bids_[at].row);
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  struct Link {
    BidRow row;
    std::uint32_t next;
  };
  KeyNumbers numbers_;
  std::vector<Entry> entries_;
  std::vector<Link> bids_;
};

bool is_open(const auto& auction, std::int64_t time) {
  return auction.date_time <= time && time <= auction.expires;
}

LoopAuction kept(const LoopAuction& auction, TextStore& text) {
  LoopAuction copy = auction;
  copy.item_name = text.keep(auction.item_name);
  copy.description = text.keep(auction.description);
  copy.extra = text.keep(auction.extra);
  return copy;
}

RowChecksum checksum_of(const LoopAuction& row) {
  RowChecksum checksum;
  checksum.number(row.id).text(row.item_name).text(row.description);
  checksum.number(row.initial_bid).number(row.reserve).number(row.date_time).number(row.expires);
  checksum.number(row.seller).number(row.category).text(row.extra);
  return checksum;
}

struct Term {
  std::int64_t category, date_time, expires;
};
struct Price {
  std::int64_t price, date_time;
};
struct Highest {
  std::int64_t price = -1;
};

struct Offer {
  std::int64_t bidder, price, date_time;
  std::string_view extra;
};
struct Winner {
  bool is_set = false;
  Offer offer{};
};

// Whether `a` wins over `b`: by price, then the earlier, then by what else there is.
bool wins(const Offer& a, const Offer& b) {
  if (a.price != b.price) return a.price > b.price;
  if (a.date_time != b.date_time) return a.date_time < b.date_time;
  if (a.bidder != b.bidder) return a.bidder < b.bidder;
  return a.extra < b.extra;
}

}  // namespace

QueryResult loop_q4(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second) {
  JoinTable<Term, Price, Highest> table;
  const auto consider = [](auto& entry, const Price& bid) {
    if (is_open(entry.auction, bid.date_time) && bid.price > entry.best.price) {
      entry.best.price = bid.price;
    }
  };
  for_each_event(
      seed, events, events_per_second,
      [&](const LoopAuction& auction) {
        auto& entry = table.entry(auction.id);
        entry.has_auction = true;
        entry.auction = {auction.category, auction.date_time, auction.expires};
        table.for_each_bid(entry, [&](const Price& bid) { consider(entry, bid); });
      },
      [&](const LoopBid& bid) {
        auto& entry = table.entry(bid.auction);
        const Price price{bid.price, bid.date_time};
        table.add_bid(entry, price);
        if (entry.has_auction) consider(entry, price);
      });
  constexpr std::int64_t kCategories = 5;
  std::array<std::int64_t, kCategories> sums{};
  std::array<std::int64_t, kCategories> auctions{};
  for (const auto& entry : table.entries()) {
    if (!entry.has_auction || entry.best.price < 0) continue;
    const auto category = static_cast<std::size_t>(entry.auction.category - kFirstCategoryId);
    sums[category] += entry.best.price;
    ++auctions[category];
  }
  QueryResult result;
  for (std::size_t i = 0; i < kCategories; ++i) {
    if (auctions[i] == 0) continue;
    ++result.rows;
    result.checksum += RowChecksum{}
                           .number(kFirstCategoryId + static_cast<std::int64_t>(i))
                           .number(sums[i] / auctions[i])
                           .value();
  }
  return result;
}

QueryResult loop_q9(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second) {
  JoinTable<LoopAuction, Offer, Winner> table;
  TextStore text;
  const auto consider = [](auto& entry, const Offer& bid) {
    if (is_open(entry.auction, bid.date_time) &&
        (!entry.best.is_set || wins(bid, entry.best.offer))) {
      entry.best = {true, bid};
    }
  };
  for_each_event(
      seed, events, events_per_second,
      [&](const LoopAuction& auction) {
        auto& entry = table.entry(auction.id);
        entry.has_auction = true;
        entry.auction = kept(auction, text);
        table.for_each_bid(entry, [&](const Offer& bid) { consider(entry, bid); });
      },
      [&](const LoopBid& bid) {
        auto& entry = table.entry(bid.auction);
        const Offer offer{bid.bidder, bid.price, bid.date_time, text.keep(bid.extra)};
        table.add_bid(entry, offer);
        if (entry.has_auction) consider(entry, offer);
      });
  QueryResult result;
  for (const auto& entry : table.entries()) {
    if (!entry.best.is_set) continue;
    const Offer& offer = entry.best.offer;
    ++result.rows;
    result.checksum += checksum_of(entry.auction)
                           .number(entry.auction.id)
                           .number(offer.bidder)
                           .number(offer.price)
                           .number(offer.date_time)
                           .text(offer.extra)
                           .value();
  }
  return result;
}

QueryResult loop_q20(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second) {
  constexpr std::int64_t kCategory = 10;
  struct Nothing {};
  JoinTable<LoopAuction, LoopBid, Nothing> table;
  TextStore text;
  QueryResult result;
  const auto join = [&result](const LoopAuction& auction, const LoopBid& bid) {
    ++result.rows;
    result.checksum += checksum_of(auction)
                           .number(bid.bidder)
                           .number(bid.price)
                           .text(bid.channel)
                           .text(bid.url)
                           .number(bid.date_time)
                           .text(bid.extra)
                           .value();
  };
  for_each_event(
      seed, events, events_per_second,
      [&](const LoopAuction& auction) {
        if (auction.category != kCategory) return;
        auto& entry = table.entry(auction.id);
        entry.has_auction = true;
        entry.auction = kept(auction, text);
        table.for_each_bid(entry, [&](const LoopBid& bid) { join(entry.auction, bid); });
      },
      [&](const LoopBid& bid) {
        auto& entry = table.entry(bid.auction);
        LoopBid copy = bid;
        copy.extra = text.keep(bid.extra);
        table.add_bid(entry, copy);
        if (entry.has_auction) join(entry.auction, copy);
      });
  return result;
}

}  // namespace weir::nexmark
