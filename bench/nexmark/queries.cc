// SPDX-License-Identifier: Apache-2.0
// q0 and q5: what passes through, and windows.
#include "bench/nexmark/queries.h"

#include <atomic>
#include <memory>
#include <span>
#include <variant>

#include <weir/connectors/blackhole.h>
#include <weir/weir.h>

#include "bench/nexmark/checksum.h"
#include "bench/nexmark/rows.h"

namespace weir::nexmark {
namespace {

using namespace std::chrono_literals;

bool is_bid(const Event& event) { return std::holds_alternative<Bid>(event); }

/// Rows counted and summed by all subtasks of a sink.
class SharedResult {
 public:
  void add(std::uint64_t rows, std::uint64_t checksum) {
    rows_.fetch_add(rows, std::memory_order_relaxed);
    checksum_.fetch_add(checksum, std::memory_order_relaxed);
  }
  QueryResult take(const JobFigures& figures) const {
    return {rows_.load(), checksum_.load(), figures};
  }

 private:
  std::atomic<std::uint64_t> rows_{0};
  std::atomic<std::uint64_t> checksum_{0};
};

/// The most bids of a window; auctions with equally many are kept.
struct Hottest {
  MostBids accumulator() const { return {}; }
  void add(MostBids& most, const AuctionBids& row) const {
    if (row.bids < most.bids) return;
    if (row.bids > most.bids) {
      most.bids = row.bids;
      most.auctions.clear();
    }
    most.auctions.push_back(row.auction);
  }
  void merge(MostBids& most, const MostBids& other) const {
    for (const std::int64_t auction : other.auctions) {
      add(most, {auction, other.bids, EventTime::none()});
    }
  }
};

}  // namespace

QueryResult run_q0(const JobSetup& setup) {
  Job job("nexmark-q0", setup);
  const auto result = std::make_shared<SharedResult>();
  job.events()
      .filter(is_bid)
      .map([](const Event& event) {
        const Bid& bid = std::get<Bid>(event);
        return BidSummary{bid.auction, bid.bidder, bid.price, bid.date_time, bid.extra};
      })
      .sink_to("bids", BlackholeSink<BidSummary>{.look = [result](
                                                             std::span<const BidSummary> rows) {
        std::uint64_t checksum = 0;
        for (const BidSummary& row : rows) {
          checksum += RowChecksum{}
                          .number(row.auction)
                          .number(row.bidder)
                          .number(row.price)
                          .number(row.date_time.millis())
                          .text(row.extra)
                          .value();
        }
        result->add(rows.size(), checksum);
      }});
  const JobFigures figures = job.run();
  return result->take(figures);
}

QueryResult run_q5(const JobSetup& setup) {
  Job job("nexmark-q5", setup);
  const auto result = std::make_shared<SharedResult>();
  job.events()
      .filter(is_bid)
      .map([](const Event& event) { return BidOn{std::get<Bid>(event).auction}; })
      .key_by(&BidOn::auction)
      .window(sliding(10s, 2s))
      .aggregate("bids-per-auction", count(),
                 [](std::int64_t auction, const TimeWindow& window, std::uint64_t bids) {
                   return AuctionBids{auction, bids, window.end};
                 })
      .key_by(&AuctionBids::window_end)
      .window(tumbling(2s))
      .aggregate("hottest", Hottest{})
      .sink_to("auctions",
               BlackholeSink<WindowResult<EventTime, MostBids>>{.look = [result](const auto rows) {
                 for (const auto& row : rows) {
                   for (const std::int64_t auction : row.value.auctions) {
                     result->add(1, RowChecksum{}
                                        .number(auction)
                                        .number(static_cast<std::int64_t>(row.value.bids))
                                        .value());
                   }
                 }
               }});
  const JobFigures figures = job.run();
  return result->take(figures);
}

}  // namespace weir::nexmark
