// SPDX-License-Identifier: Apache-2.0
// An aggregate that cannot be merged.
// expect: weir: an aggregate needs a public const member merge
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

struct Sum {
  double accumulator() const { return 0; }
  void add(double& sum, const Payment& p) const { sum += p.amount; }
};
void program(weir::DataStream<Payment> payments) {
  payments.key_by(&Payment::account)
      .window(weir::sliding(10s, 2s))
      .aggregate("sum", Sum{})
      .map([](const auto& result) { return result.value; })
      .print();
}
