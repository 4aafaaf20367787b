// SPDX-License-Identifier: Apache-2.0
// Everything a program may write, in the forms of the documentation.
// expect-none
#include <weir/weir.h>

#include <chrono>

using namespace std::chrono_literals;

struct Payment {
  weir::Text account;
  double amount;
  weir::Text country;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, country, at)

struct Alert {
  weir::Text account;
  weir::Text rule;
  double amount;
  weir::EventTime at;
};
WEIR_RECORD(Alert, account, rule, amount, at)

struct Moments {
  std::uint64_t count = 0;
  double sum = 0;
  WEIR_RECORD_INSIDE(Moments, count, sum)
};
struct Mean {
  Moments accumulator() const { return {}; }
  void add(Moments& sum, const Payment& payment) const {
    ++sum.count;
    sum.sum += payment.amount;
  }
  void merge(Moments& sum, const Moments& other) const {
    sum.count += other.count;
    sum.sum += other.sum;
  }
  double result(const Moments& sum) const { return sum.sum / static_cast<double>(sum.count); }
};

class SmallThenLarge : public weir::KeyedProcessFunction<weir::Text, Payment, Alert> {
 public:
  explicit SmallThenLarge(double limit) : limit_(limit) {}
  void declare(States& states) {
    small_at_ = states.value<weir::EventTime>("small-at", weir::Ttl(24h).renewed_by_reads());
  }
  void open(OpenContext&) {}
  void process(const Payment& payment, Context& context, Output& out) {
    if (small_at_.has_value() && payment.amount > limit_) {
      out.emit({payment.account, "small-then-large", payment.amount, payment.at});
    }
    small_at_.set(payment.at);
    context.timers().register_event_time(payment.at + 1min);
  }
  void on_timer(const Timer& timer, Context&, Output&) {
    if (small_at_.has_value() && small_at_.value() + 1min <= timer.at) small_at_.clear();
  }

 private:
  double limit_;
  weir::ValueState<weir::EventTime> small_at_;
};

weir::DataStream<Payment> large(weir::DataStream<Payment> payments) {
  return payments.filter([](const Payment& payment) { return payment.amount > 1; });
}

int main(int argc, char** argv) {
  auto env = weir::StreamExecutionEnvironment::from_args(argc, argv);
  auto payments = env.from_collection("payments", std::vector<Payment>{},
                                      weir::WatermarkStrategy<Payment>::bounded_out_of_orderness(5s)
                                          .with_event_time(&Payment::at)
                                          .with_idleness(1min));
  payments.key_by(&Payment::account)
      .sorted_by_event_time("in-order")
      .process("small-then-large", SmallThenLarge{env.arguments().get("limit", 500.0)})
      .print("alerts");

  auto late = weir::OutputTag<Payment>{"late"};
  auto means = large(payments)
                   .key_by(&Payment::account, &Payment::country)
                   .window(weir::sliding(10s, 2s).offset(1s))
                   .allowed_lateness(10s)
                   .late_to(late)
                   .aggregate("means", Mean{},
                              [](const std::tuple<weir::Text, weir::Text>& key,
                                 const weir::TimeWindow& window, double mean) {
                                return Alert{std::get<0>(key), "mean", mean, window.start};
                              });
  means.side_output(late).print("late-payments");
  means.set_parallelism(2);
  means.map([](const Alert& alert, weir::TextMaker& text) { return text.text("{}", alert.amount); })
      .print("means-as-text");

  auto by_country = payments.key_by([](const Payment& payment) { return payment.country; });
  by_country.window(weir::tumbling(1min)).aggregate("counts", weir::count()).print("a");
  by_country.window(weir::tumbling(1min)).aggregate("sums", weir::sum(&Payment::amount)).print("b");
  by_country.window(weir::tumbling(1min))
      .aggregate("tops", weir::top(3, &Payment::amount))
      .print("c");
  by_country.window(weir::tumbling(1min))
      .reduce("largest",
              [](const Payment& a, const Payment& b) { return a.amount < b.amount ? b : a; })
      .print("d");
  by_country.process<Alert>("lambda", [](const Payment& payment, auto& context, auto& out) {
              out.emit({payment.account, out.text("in {}", context.key()), 1, payment.at});
            })
      .union_with(means)
      .rebalance()
      .print("e")
      .set_parallelism(2);
  return env.execute("all");
}
