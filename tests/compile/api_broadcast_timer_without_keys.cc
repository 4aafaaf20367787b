// SPDX-License-Identifier: Apache-2.0
// A timer that would never fire.
// expect: weir: on_timer would never be called
#include <weir/weir.h>

struct Payment {
  weir::Text account;
  double amount;
};
WEIR_RECORD(Payment, account, amount)

struct Function : weir::BroadcastProcessFunction<Payment, Payment, Payment> {
  void process(const Payment&, Context&, Output&) {}
  void process_broadcast(const Payment&, BroadcastContext&, Output&) {}
  void on_timer(const weir::Timer&, Context&, Output&) {}
};
void program(weir::DataStream<Payment> payments, weir::DataStream<Payment> rules) {
  payments.connect(rules.broadcast("rules")).process("p", Function{}).print();
}
