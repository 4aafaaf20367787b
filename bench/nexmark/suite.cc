// SPDX-License-Identifier: Apache-2.0
// Nexmark q0 and q5: whole jobs through execute(), checkpoints on, beside loops.
#include <string>

#include "bench/comparison.h"
#include "bench/nexmark/loops.h"
#include "bench/nexmark/queries.h"

namespace weir::bench {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::int64_t kEventsPerSecond = 1'000'000;

nexmark::JobSetup setup_of(Effort effort, Parallelism parallelism) {
  nexmark::JobSetup setup;
  setup.seed = kSeed;
  setup.events_per_second = kEventsPerSecond;
  setup.parallelism = parallelism;
  if (effort == Effort::kQuick) {
    setup.events = 6'000'000;
    setup.checkpoint_interval = Duration{100};
  } else {
    setup.events = 60'000'000;
    setup.checkpoint_interval = Duration{1000};
    setup.checkpoints_min = 2;
  }
  return setup;
}

Outcome outcome_of(const nexmark::QueryResult& result) {
  return {.rows = result.rows, .checksum = result.checksum};
}

void add_query(Suite& suite, const std::string& name, const std::string& what,
               nexmark::QueryResult (*loop)(std::uint64_t, std::int64_t, std::int64_t),
               nexmark::QueryResult (*run)(const nexmark::JobSetup&)) {
  const nexmark::JobSetup setup = setup_of(suite.effort(), Parallelism{1});
  const auto events = static_cast<std::uint64_t>(setup.events);
  suite.add({.name = name + "/loop",
             .records = events,
             .length = Subject::Length::kJob,
             .pass = [loop, setup] {
               return outcome_of(loop(setup.seed, setup.events, setup.events_per_second));
             }});
  for (const std::uint32_t parallelism : {1U, 2U}) {
    const std::string weir = name + "/weir-parallelism-" + std::to_string(parallelism);
    suite.add({.name = weir,
               .records = events,
               .length = Subject::Length::kJob,
               .pass = [run, setup = setup_of(suite.effort(), Parallelism{parallelism})] {
                 return outcome_of(run(setup));
               }});
    suite.compare({.title = "Nexmark " + what + ", parallelism " + std::to_string(parallelism),
                   .weir = weir,
                   .loop = name + "/loop",
                   .target = {Target::Kind::kRatioMax, 2}});
  }
}

}  // namespace

void add_nexmark(Suite& suite) {
  add_query(suite, "q0", "q0 (bids)", nexmark::loop_q0, nexmark::run_q0);
  add_query(suite, "q5", "q5 (hot auctions)", nexmark::loop_q5, nexmark::run_q5);
}

}  // namespace weir::bench
