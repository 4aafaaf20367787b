// SPDX-License-Identifier: Apache-2.0
// A sink that is none.
// expect: weir: sink_to(id, sink) takes the options of a sink
#include <weir/weir.h>

#include <chrono>

struct Payment {
  weir::Text account;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, at)

using namespace std::chrono_literals;

struct NoSink {};
void program(weir::DataStream<Payment> payments) {
  payments.sink_to("out", NoSink{});
}
