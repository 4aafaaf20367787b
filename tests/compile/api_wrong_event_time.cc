// SPDX-License-Identifier: Apache-2.0
// An event time that is a number.
// expect: weir: with_event_time(...) takes a member of the record that is a weir::EventTime
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

auto strategy() {
  return weir::WatermarkStrategy<Payment>::monotonous().with_event_time(&Payment::amount);
}
