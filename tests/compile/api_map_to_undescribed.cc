// SPDX-License-Identifier: Apache-2.0
// A map to a type without description.
// expect: weir: the records of a stream need a description
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

struct Plain {
  int n;
};
void program(weir::DataStream<Payment> payments) {
  payments.map([](const Payment&) { return Plain{1}; }).print();
}
