// SPDX-License-Identifier: Apache-2.0
// A function for other records.
// expect: weir: the function's In is not the record type of the stream
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

struct Function : weir::KeyedProcessFunction<weir::Text, int, Payment> {
  void process(const int&, Context&, Output&) {}
};
void program(weir::DataStream<Payment> payments) {
  payments.key_by(&Payment::account).process("p", Function{}).print();
}
