// SPDX-License-Identifier: Apache-2.0
// Finds payments that look like fraud, by three rules on each account:
//
//   small-then-large    a payment under 1 is followed by one over the limit within a minute:
//   somebody
//                       tries a stolen card
//   too-many-payments   more than N payments in a sliding window
//   impossible-travel   two payments in a row from two countries, in less time than the way takes
//
// Rules judge by event time. The first and the last look at payments in their order, so they stand
// behind sorted_by_event_time: the order of arrival does not matter. Run it on generated payments:
//
//   ./fraud_generator --events 200000 --output transactions.json --planted planted.json
//   ./fraud_detection --parallelism 2 -- --input transactions.json --output alerts
//
// Input, a line per payment (times in milliseconds, or as "2026-01-01T10:15:30.120Z"):
//
//   {"account":"acc-008020","amount":322.56,"country":"ES","at":1767225600795}
//
// Output, in files of the folder `alerts`, each alert exactly once whatever happens meanwhile:
//
//   {"account":"acc-000004","rule":"impossible-travel","amount":49.38,"at":1767299725478}
//
// fraud_truth says what must be found.
#include <weir/connectors/files.h>
#include <weir/weir.h>

#include <chrono>
#include <cstdint>
#include <string>

using namespace std::chrono_literals;

struct Transaction {
  weir::Text account;
  double amount = 0;
  weir::Text country;
  weir::EventTime at;
};
WEIR_RECORD(Transaction, account, amount, country, at)

struct Alert {
  weir::Text account;
  weir::Text rule;
  double amount = 0;  ///< of the payment; of too-many-payments how many they were
  weir::EventTime at;
};
WEIR_RECORD(Alert, account, rule, amount, at)

// Alerts when a payment under 1 is followed by one over `limit` within a minute.
class SmallThenLarge : public weir::KeyedProcessFunction<weir::Text, Transaction, Alert> {
 public:
  explicit SmallThenLarge(double limit) : limit_(limit) {}

  void declare(States& states) { small_at_ = states.value<weir::EventTime>("small-at"); }

  void process(const Transaction& t, Context& context, Output& out) {
    if (small_at_.has_value() && t.at - small_at_.value() <= 1min && t.amount > limit_) {
      out.emit({t.account, "small-then-large", t.amount, t.at});
    }
    if (t.amount < 1) {
      small_at_.set(t.at);
      context.timers().register_event_time(t.at + 1min);
    }
  }

  // A newer small payment may have replaced the one this timer was set for.
  void on_timer(const Timer& timer, Context&, Output&) {
    if (small_at_.has_value() && small_at_.value() + 1min <= timer.at) small_at_.clear();
  }

 private:
  double limit_;
  weir::ValueState<weir::EventTime> small_at_;
};

struct Seen {
  weir::Text country;
  weir::EventTime at;
};
WEIR_RECORD(Seen, country, at)

// Alerts when a payment follows one from another country in less than `travel_time`.
class ImpossibleTravel : public weir::KeyedProcessFunction<weir::Text, Transaction, Alert> {
 public:
  explicit ImpossibleTravel(weir::Duration travel_time) : travel_time_(travel_time) {}

  void declare(States& states) { last_ = states.value<Seen>("last-seen"); }

  void process(const Transaction& t, Context& context, Output& out) {
    if (last_.has_value() && last_.value().country != t.country &&
        t.at - last_.value().at < travel_time_) {
      out.emit({t.account, "impossible-travel", t.amount, t.at});
    }
    last_.set({t.country, t.at});
    context.timers().register_event_time(t.at + travel_time_);
  }

  // What is older than that can no longer be part of an alert.
  void on_timer(const Timer& timer, Context&, Output&) {
    if (last_.has_value() && last_.value().at + travel_time_ <= timer.at) last_.clear();
  }

 private:
  weir::Duration travel_time_;
  weir::ValueState<Seen> last_;
};

int main(int argc, char** argv) {
  auto env = weir::StreamExecutionEnvironment::from_args(argc, argv);
  const weir::Arguments& arguments = env.arguments();
  const std::string input = arguments.get("input", "transactions.json");
  const std::string output = arguments.get("output", "alerts");
  const double limit = arguments.get("limit", 500.0);  // money
  const std::uint64_t payments = arguments.get("payments", std::uint64_t{5});
  const weir::Duration window = arguments.get("window", weir::Duration{1min});
  const weir::Duration slide = arguments.get("slide", weir::Duration{10s});
  const weir::Duration travel_time = arguments.get("travel-time", weir::Duration{30min});
  const double rate = arguments.get("rate", 0.0);  // payments per second; 0 for as fast as possible
  const weir::Duration roll = arguments.get("roll-interval", weir::Duration{60s});
  const bool fail_on_bad_record = arguments.get("fail-on-bad-record", false);

  auto transactions = env.from_source(
      "transactions",
      weir::FileSource<Transaction>{
          .path = input,
          .format = weir::json(),
          .on_bad_record = fail_on_bad_record ? weir::OnBadRecord::kFail : weir::OnBadRecord::kSkip,
          .rate_per_second = rate},
      weir::WatermarkStrategy<Transaction>::bounded_out_of_orderness(5s).with_event_time(
          &Transaction::at));

  auto in_order = transactions.key_by(&Transaction::account).sorted_by_event_time("in-order");
  auto small_then_large = in_order.process("small-then-large", SmallThenLarge{limit});
  auto impossible_travel = in_order.process("impossible-travel", ImpossibleTravel{travel_time});

  // A count needs no order, and takes the fast path of windows.
  auto too_many_payments =
      transactions.key_by(&Transaction::account)
          .window(weir::sliding(window, slide))
          .aggregate("payments-per-window", weir::count(),
                     [](weir::Text account, const weir::TimeWindow& in, std::uint64_t count) {
                       return Alert{account, "too-many-payments", static_cast<double>(count),
                                    in.end};
                     })
          .filter([payments](const Alert& alert) {
            return alert.amount > static_cast<double>(payments);
          });

  small_then_large.union_with(too_many_payments, impossible_travel)
      .sink_to(
          "alerts",
          weir::FileSink<Alert>{
              .path = output, .format = weir::json(), .roll_interval = roll, .inactivity = roll});

  return env.execute("fraud-detection");
}
