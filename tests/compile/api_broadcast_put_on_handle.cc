// SPDX-License-Identifier: Apache-2.0
// The keyed side is not the same in every subtask, so it only reads.
// expect: weir: broadcast state is written by process_broadcast(...) alone
#include <weir/weir.h>

struct Payment {
  weir::Text account;
  double amount;
};
WEIR_RECORD(Payment, account, amount)

struct Function : weir::KeyedBroadcastProcessFunction<weir::Text, Payment, Payment, Payment> {
  void declare(States& states) { rules_ = states.broadcast<weir::Text, double>("rules"); }
  void process(const Payment& p, Context&, Output&) { rules_.put(p.account, 1.0); }
  void process_broadcast(const Payment&, BroadcastContext&, Output&) {}
  weir::BroadcastState<weir::Text, double> rules_;
};
void program(weir::DataStream<Payment> payments, weir::DataStream<Payment> rules) {
  payments.key_by(&Payment::account)
      .connect(rules.broadcast("rules"))
      .process("p", Function{})
      .print();
}
