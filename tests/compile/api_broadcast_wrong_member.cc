// SPDX-License-Identifier: Apache-2.0
// A process_broadcast that would never be called.
// expect: weir: a function of a broadcast stream needs a public
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
  void process_broadcast(const Rule&, Context&, Output&) {}
};
void program(weir::DataStream<Payment> payments, weir::DataStream<Rule> rules) {
  payments.key_by(&Payment::account)
      .connect(rules.broadcast("rules"))
      .process("p", Function{})
      .print();
}
