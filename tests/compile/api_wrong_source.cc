// SPDX-License-Identifier: Apache-2.0
// A source that is none.
// expect: weir: from_source(id, source, strategy) takes the options of a source
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

struct NoSource {};
void program(weir::StreamExecutionEnvironment& env) {
  env.from_source("in", NoSource{}, weir::WatermarkStrategy<Payment>::none())
      .filter([](const Payment& p) { return p.amount > 1; })
      .print();
}
