// SPDX-License-Identifier: Apache-2.0
// Nexmark q4, q9, q18, q19, q20, whose state grows with the input: each run in a process of its
// own, beside loops, with what Flink makes of them.
#include <array>
#include <string>

#include "bench/comparison.h"
#include "bench/nexmark/loops.h"
#include "bench/nexmark/queries.h"

namespace weir::bench {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::int64_t kEventsPerSecond = 1'000'000;
constexpr std::uint32_t kParallelism = 2;
// How many times as fast as Flink they should be.
constexpr double kFactor = 20;

struct Query {
  std::string name;
  std::string what;
  nexmark::QueryResult (*loop)(std::uint64_t, std::int64_t, std::int64_t);
  nexmark::QueryResult (*run)(const nexmark::JobSetup&);
  double flink;  // thousand events per second of processor time, with state on the heap
};

nexmark::JobSetup setup_of(const Suite& suite) {
  nexmark::JobSetup setup;
  setup.seed = kSeed;
  setup.events_per_second = kEventsPerSecond;
  setup.parallelism = Parallelism{kParallelism};
  setup.state_backend = suite.scope().state_backend;
  switch (suite.effort()) {
    case Effort::kQuick:
      setup.events = 2'000'000;
      setup.checkpoint_interval = Duration{100};
      break;
    case Effort::kFull:
      setup.events = 10'000'000;
      setup.checkpoint_interval = Duration{1000};
      setup.checkpoints_min = 1;
      break;
    case Effort::kLong:
      // All of the state stays, so it is the number of events that memory limits: they are spread
      // over the time.
      setup.events = 20'000'000;
      setup.rate_per_second = 300'000;
      setup.checkpoint_interval = Duration{10000};
      setup.checkpoints_min = 5;
      break;
  }
  if (const std::int64_t millis = suite.scope().checkpoint_millis; millis > 0) {
    setup.checkpoint_interval = Duration{millis};
    setup.checkpoints_min = 0;
  }
  return setup;
}

Outcome outcome_of(const nexmark::QueryResult& result) {
  return {.rows = result.rows,
          .checksum = result.checksum,
          .checkpoints = result.figures.checkpoints,
          .checkpoint_bytes = result.figures.checkpoint_bytes};
}

void add_query(Suite& suite, const Query& query) {
  const nexmark::JobSetup setup = setup_of(suite);
  const auto events = static_cast<std::uint64_t>(setup.events);
  const std::string loop = query.name + "/loop";
  const std::string weir = query.name + "/weir-" + suite.scope().state_backend;
  suite.add({.name = loop,
             .records = events,
             .length = Subject::Length::kProcess,
             .pass = [run = query.loop, setup] {
               return outcome_of(run(setup.seed, setup.events, setup.events_per_second));
             }});
  suite.add({.name = weir,
             .records = events,
             .length = Subject::Length::kProcess,
             .pass = [run = query.run, setup] { return outcome_of(run(setup)); }});
  suite.compare(
      {.title = "Nexmark " + query.name + " (" + query.what + "), " + suite.scope().state_backend,
       .weir = weir,
       .loop = loop,
       .target = {Target::Kind::kRateMin, kFactor * query.flink / 1000},
       .published = query.flink});
}

}  // namespace

void add_stateful_nexmark(Suite& suite) {
  const std::array<Query, 5> queries{{
      {"q4", "average price", nexmark::loop_q4, nexmark::run_q4, 139},
      {"q9", "winning bids", nexmark::loop_q9, nexmark::run_q9, 70},
      {"q18", "last bid", nexmark::loop_q18, nexmark::run_q18, 206},
      {"q19", "ten highest bids", nexmark::loop_q19, nexmark::run_q19, 155},
      {"q20", "bids with auction", nexmark::loop_q20, nexmark::run_q20, 108},
  }};
  for (const Query& query : queries) add_query(suite, query);
}

}  // namespace weir::bench
