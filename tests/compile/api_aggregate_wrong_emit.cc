// SPDX-License-Identifier: Apache-2.0
// A window result function without key and window.
// expect: weir: the last argument of aggregate and reduce on windows is a function
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
  payments.key_by(&Payment::account)
      .window(weir::tumbling(1s))
      .aggregate("n", weir::count(), [](std::uint64_t n) { return n; })
      .print();
}
