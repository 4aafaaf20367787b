// SPDX-License-Identifier: Apache-2.0
// A function for another key.
// expect: weir: the function's Key is not the type that the stream is keyed by
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

struct Function : weir::KeyedProcessFunction<int, Payment, Payment> {
  void process(const Payment&, Context&, Output&) {}
};
void program(weir::DataStream<Payment> payments) {
  payments.key_by(&Payment::account).process("p", Function{}).print();
}
