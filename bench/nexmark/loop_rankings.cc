// SPDX-License-Identifier: Apache-2.0
// The loops of q18 and q19, which keep the foremost bids of a key.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <tuple>
#include <vector>

#include "bench/nexmark/checksum.h"
#include "bench/nexmark/loop_events.h"
#include "bench/nexmark/loops.h"

namespace weir::nexmark {
namespace {

// A bid with its text in itself; channel and url lie in the generator's tables.
struct KeptBid {
  // A fifth more than the average of 68.
  static constexpr std::size_t kExtraBytesMax = 88;

  LoopBid row;
  std::array<char, kExtraBytesMax> extra;

  void set(const LoopBid& bid) {
    row = bid;
    std::memcpy(extra.data(), bid.extra.data(), bid.extra.size());
  }
  std::string_view text() const { return {extra.data(), row.extra.size()}; }
};

RowChecksum checksum_of(const KeptBid& kept) {
  const LoopBid& row = kept.row;
  RowChecksum checksum;
  checksum.number(row.auction).number(row.bidder).number(row.price);
  checksum.text(row.channel).text(row.url).number(row.date_time).text(kept.text());
  return checksum;
}

}  // namespace

QueryResult loop_q18(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second) {
  KeyNumbers numbers;
  std::vector<KeptBid> last;
  for_each_bid(seed, events, events_per_second, [&](const LoopBid& bid) {
    const auto found = numbers.number(static_cast<std::uint64_t>(bid.bidder) << 32 |
                                      static_cast<std::uint64_t>(bid.auction));
    if (found.is_new) {
      last.emplace_back().set(bid);
      return;
    }
    KeptBid& held = last[found.number];
    // The later, then the dearer, then the one with the greater text.
    const auto of_bid = std::tuple(bid.date_time, bid.price, bid.extra);
    if (of_bid > std::tuple(held.row.date_time, held.row.price, held.text())) held.set(bid);
  });
  QueryResult result{last.size(), 0};
  for (const KeptBid& held : last) result.checksum += checksum_of(held).value();
  return result;
}

QueryResult loop_q19(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second) {
  constexpr std::size_t kRanks = 10;
  struct Ranking {
    std::size_t size = 0;
    std::array<std::uint32_t, kRanks> bids;  // places in `kept`
  };
  KeyNumbers numbers;
  std::vector<Ranking> rankings;
  std::vector<KeptBid> kept;
  const auto is_before = [](const LoopBid& a, std::string_view a_text, const LoopBid& b,
                            std::string_view b_text) {
    if (a.price != b.price) return a.price > b.price;
    return std::tuple(a.date_time, a.bidder, a_text) < std::tuple(b.date_time, b.bidder, b_text);
  };
  for_each_bid(seed, events, events_per_second, [&](const LoopBid& bid) {
    const auto found = numbers.number(static_cast<std::uint64_t>(bid.auction));
    if (found.is_new) rankings.emplace_back();
    Ranking& ranking = rankings[found.number];
    std::size_t rank = ranking.size;
    while (rank > 0) {
      const KeptBid& above = kept[ranking.bids[rank - 1]];
      if (!is_before(bid, bid.extra, above.row, above.text())) break;
      --rank;
    }
    if (rank == kRanks) return;
    std::uint32_t place;
    if (ranking.size < kRanks) {
      place = static_cast<std::uint32_t>(kept.size());
      kept.emplace_back();
      ++ranking.size;
    } else {
      place = ranking.bids[kRanks - 1];
    }
    std::copy_backward(ranking.bids.begin() + static_cast<std::ptrdiff_t>(rank),
                       ranking.bids.begin() + static_cast<std::ptrdiff_t>(ranking.size - 1),
                       ranking.bids.begin() + static_cast<std::ptrdiff_t>(ranking.size));
    ranking.bids[rank] = place;
    kept[place].set(bid);
  });
  QueryResult result;
  for (const Ranking& ranking : rankings) {
    for (std::size_t rank = 0; rank < ranking.size; ++rank) {
      ++result.rows;
      result.checksum +=
          checksum_of(kept[ranking.bids[rank]]).number(static_cast<std::int64_t>(rank) + 1).value();
    }
  }
  return result;
}

}  // namespace weir::nexmark
