// SPDX-License-Identifier: Apache-2.0
// A lambda that does not say what it emits.
// expect: weir: process(id, function) takes a class derived from weir::KeyedProcessFunction
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
  payments.key_by(&Payment::account)
      .process("p", [](const Payment&, auto&, auto&) {})
      .map([](const Payment& p) { return p; })
      .print();
}
