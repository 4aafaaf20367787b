// SPDX-License-Identifier: Apache-2.0
// A key that is a member of another type.
// expect: weir: key_by(...) takes members of the record
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

struct Other {
  int n;
};
void program(weir::DataStream<Payment> payments) {
  payments.key_by(&Other::n).window(weir::tumbling(1s)).aggregate("n", weir::count()).print();
}
