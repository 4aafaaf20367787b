// SPDX-License-Identifier: Apache-2.0
// Nexmark q0 and q5 as single-purpose loops: no engine, one thread, no checkpoints. The limit that
// Weir is measured against.
#pragma once

#include <cstdint>

#include "bench/nexmark/query_result.h"

namespace weir::nexmark {

/// All bids with auction, bidder, price, time and extra.
QueryResult loop_q0(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

/// Per 10 s window sliding by 2 s: the auctions with the most bids, and how many.
QueryResult loop_q5(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

// Those below keep what the query needs for ever, as the engine does, and sum up the final table.

/// Per category: the average of the highest prices that its auctions got while they were open.
QueryResult loop_q4(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

/// Per auction: it and its highest bid while it was open, the earliest of equal ones.
QueryResult loop_q9(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

/// Per bidder and auction: the last bid.
QueryResult loop_q18(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

/// Per auction: the ten highest bids with their ranks.
QueryResult loop_q19(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

/// All bids for auctions of category 10, with the auction.
QueryResult loop_q20(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

}  // namespace weir::nexmark
