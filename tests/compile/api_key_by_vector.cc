// SPDX-License-Identifier: Apache-2.0
// A key that cannot be one.
// expect: weir: this cannot be a key
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

void program(weir::DataStream<Payment> payments) {
  payments.key_by([](const Payment&) { return std::vector<int>{1}; })
      .reduce("first", [](const Payment& a, const Payment&) { return a; })
      .print();
}
