// SPDX-License-Identifier: Apache-2.0
// A function for another broadcast stream.
// expect: weir: the function's Broadcast is not the record type of the broadcast stream
#include <weir/weir.h>

struct Payment {
  weir::Text account;
  double amount;
};
WEIR_RECORD(Payment, account, amount)

struct Rule {
  weir::Text name;
};
WEIR_RECORD(Rule, name)

struct Function : weir::KeyedBroadcastProcessFunction<weir::Text, Payment, Rule, Payment> {
  void process(const Payment&, Context&, Output&) {}
  void process_broadcast(const Rule&, BroadcastContext&, Output&) {}
};
void program(weir::DataStream<Payment> payments, weir::DataStream<Rule> rules) {
  payments.key_by(&Payment::account)
      .connect(payments.broadcast("rules"))
      .process("p", Function{})
      .print();
  rules.print();
}
