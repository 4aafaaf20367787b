// SPDX-License-Identifier: Apache-2.0
// A map function that takes something else; the calls behind it are no errors of their own.
// expect: weir: map(f) takes a copyable function f(const Record&)
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
  payments.filter([](const Payment& p) { return p.amount > 1; })
      .map([](int n) { return n; })
      .filter([](int n) { return n > 1; })
      .key_by([](int n) { return n; })
      .reduce("largest", [](int a, int b) { return a > b ? a : b; })
      .print();
}
