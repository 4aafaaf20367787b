// SPDX-License-Identifier: Apache-2.0
// A declare that would never be called.
// expect: weir: declare cannot be called
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
  void declare() {}
  void process(const Payment&, Context&, Output&) {}
};
void program(weir::DataStream<Payment> payments) {
  payments.key_by(&Payment::account).process("p", Function{}).print();
}
