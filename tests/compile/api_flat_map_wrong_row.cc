// SPDX-License-Identifier: Apache-2.0
// A flat_map that emits another type than it says.
// expect: weir: flat_map<Out>(...) emits rows of type Out; this is another type
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

void program(weir::DataStream<Payment> payments) {
  payments.flat_map<Payment>([](const Payment&, auto& out) { out.emit("text"); }).print();
}
