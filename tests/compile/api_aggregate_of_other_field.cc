// SPDX-License-Identifier: Apache-2.0
// A sum over a field of another record.
// expect: weir: aggregate(id, aggregate) takes count()
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
  payments.key_by(&Payment::account)
      .window(weir::tumbling(1s))
      .aggregate("sum", weir::sum(&Other::n))
      .print();
}
