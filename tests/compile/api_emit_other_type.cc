// SPDX-License-Identifier: Apache-2.0
// A function that emits another type than it says.
// expect: weir: this output takes rows of another type
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
  void process(const Payment& p, Context&, Output& out) { out.emit(p.account); }
};
void program(weir::DataStream<Payment> payments) {
  payments.key_by(&Payment::account).process("p", Function{}).print();
}
