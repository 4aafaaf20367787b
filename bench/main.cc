// SPDX-License-Identifier: Apache-2.0
// weir_bench: nanoseconds per record, each beside a hand-written loop over the same data.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include "bench/comparison.h"
#include "bench/measurement.h"
#include "bench/report.h"

namespace {

using namespace weir::bench;

struct Flags {
  std::string json;
  std::string filter;
  std::string state_backend = "heap";
  std::int64_t checkpoint_millis = 0;
  int repetitions = 0;
  bool quick = false;
  bool is_long = false;
  bool check = false;
};

int run(const Flags& flags, const char* program) {
  Suite suite({.effort = flags.is_long ? Effort::kLong
                         : flags.quick ? Effort::kQuick
                                       : Effort::kFull,
               .state_backend = flags.state_backend,
               .checkpoint_millis = flags.checkpoint_millis,
               .repetitions = flags.repetitions});
  if (!flags.is_long) {
    add_fused_chain(suite);
    add_local_exchange(suite);
    add_keyed_update(suite);
    add_window_count(suite);
    add_json_decode(suite);
    add_nexmark(suite);
  }
  add_stateful_nexmark(suite);
  suite.keep_only(flags.filter);
  if (suite.comparisons().empty()) {
    fmt::print(stderr, "bench: nothing is called '{}'\n", flags.filter);
    return 2;
  }
  const std::vector<Verdict> verdicts = judge(suite, measure(suite, program));
  std::fputs(table(verdicts).c_str(), stdout);
  if (!flags.json.empty()) {
    std::ofstream file(flags.json);
    file << to_json(verdicts);
    file.close();
    if (!file) {
      fmt::print(stderr, "bench: cannot write '{}'\n", flags.json);
      return 1;
    }
  }
  return all_agree(verdicts) && (all_met(verdicts) || !flags.check) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Measures Weir beside hand-written loops over the same data."};
  Flags flags;
  app.add_option("--json", flags.json, "also write the results to this file")->type_name("FILE");
  app.add_option("--filter", flags.filter, "only what has this text in its name")
      ->type_name("TEXT");
  app.add_flag("--quick", flags.quick, "less data and fewer repetitions: figures are rough");
  app.add_flag("--long", flags.is_long,
               "only Nexmark's state-heavy queries, each for a minute with five checkpoints")
      ->excludes("--quick");
  app.add_option("--state-backend", flags.state_backend,
                 "heap (whole checkpoints) or heap-incremental")
      ->type_name("NAME");
  app.add_option("--checkpoint-millis", flags.checkpoint_millis,
                 "between their checkpoints, instead of what is measured")
      ->type_name("N");
  app.add_option("--repetitions", flags.repetitions, "of them, instead of 2")->type_name("N");
  app.add_flag("--check", flags.check, "missed targets give exit status 1, too");
  CLI11_PARSE(app, argc, argv);
  return run(flags, argv[0]);
}
