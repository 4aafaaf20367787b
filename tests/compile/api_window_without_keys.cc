// SPDX-License-Identifier: Apache-2.0
// A window on a stream without keys.
// expect: weir: windows are kept by key: write key_by(...) before window(...)
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
  payments.window(weir::tumbling(1s)).aggregate("n", weir::count()).print();
}
