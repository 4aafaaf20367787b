// SPDX-License-Identifier: Apache-2.0
// A filter that returns a number.
// expect: weir: filter(f) takes a copyable function f(const Record&) that returns bool
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
  payments.filter([](const Payment& p) { return p.amount; }).print();
}
