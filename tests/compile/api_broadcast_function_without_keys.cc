// SPDX-License-Identifier: Apache-2.0
// A function with keyed state on a stream without keys.
// expect: weir: process(id, function) behind connect(...) takes a class derived from
// weir::BroadcastProcessFunction
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
  payments.connect(rules.broadcast("rules")).process("p", Function{}).print();
}
