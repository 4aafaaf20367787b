// SPDX-License-Identifier: Apache-2.0
// A keyed operator without an id.
// expect: weir: process(id, function) takes an id first
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

struct Function : weir::KeyedProcessFunction<weir::Text, Payment, Payment> {
  void process(const Payment&, Context&, Output&) {}
};
void program(weir::DataStream<Payment> payments) {
  payments.key_by(&Payment::account).process(Function{});
}
