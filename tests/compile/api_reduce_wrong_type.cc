// SPDX-License-Identifier: Apache-2.0
// A reduce that does not return a record.
// expect: weir: reduce(id, f) takes a copyable function
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
      .reduce("sum", [](const Payment& a, const Payment& b) { return a.amount + b.amount; })
      .print();
}
