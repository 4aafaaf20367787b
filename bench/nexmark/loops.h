// SPDX-License-Identifier: Apache-2.0
// Nexmark q0 and q5 as single-purpose loops: no engine, one thread, no checkpoints. The limit that
// Weir is measured against.
#pragma once

#include <cstdint>

namespace weir::nexmark {

/// What a query gave: how many rows, and a checksum over all their fields that does not depend on
/// their order.
struct QueryResult {
  std::uint64_t rows = 0;
  std::uint64_t checksum = 0;
  friend bool operator==(const QueryResult&, const QueryResult&) = default;
};

/// All bids with auction, bidder, price, time and extra.
QueryResult loop_q0(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

/// Per 10 s window sliding by 2 s: the auctions with the most bids, and how many.
QueryResult loop_q5(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second);

}  // namespace weir::nexmark
