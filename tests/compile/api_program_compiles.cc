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

struct Rule {
  weir::Text id;
  double limit;
};
WEIR_RECORD(Rule, id, limit)

class ApplyRules : public weir::KeyedBroadcastProcessFunction<weir::Text, Payment, Rule, Alert> {
 public:
  void declare(States& states) {
    rules_ = states.broadcast<weir::Text, Rule>("rules-by-id");
    last_ = states.value<weir::EventTime>("last");
  }
  void open(OpenContext&) {}
  void process(const Payment& payment, Context& context, Output& out) {
    for (const auto& [id, rule] : rules_.entries()) {
      if (payment.amount > rule.limit) out.emit({payment.account, id, payment.amount, payment.at});
    }
    last_.set(payment.at);
    context.timers().register_event_time(payment.at + 1min);
  }
  void process_broadcast(const Rule& rule, BroadcastContext& context, Output&) {
    if (rule.limit < 0) {
      context.write(rules_).remove(rule.id);
    } else {
      context.write(rules_).put(rule.id, rule);
    }
  }
  void on_timer(const Timer&, Context&, Output&) { last_.clear(); }

 private:
  weir::BroadcastState<weir::Text, Rule> rules_;
  weir::ValueState<weir::EventTime> last_;
};

class Pass : public weir::BroadcastProcessFunction<Payment, Rule, Payment> {
 public:
  void declare(States& states) {
    rules_ = states.broadcast<weir::Text, Rule>("rules-by-id");
    seen_ = states.split_list<weir::Text>("seen");
    known_ = states.union_list<std::int64_t>("known");
  }
  void process(const Payment& payment, Context&, Output& out) {
    if (!rules_.contains(payment.account)) out.emit(payment);
    if (seen_.empty()) seen_.add(payment.account);
    if (known_.get().size() > 1) known_.set({1});
  }
  void process_broadcast(const Rule& rule, BroadcastContext& context, Output&) {
    context.write(rules_).update(rule.id, [&rule](Rule& held) { held.limit += rule.limit; });
  }

 private:
  weir::BroadcastState<weir::Text, Rule> rules_;
  weir::OperatorListState<weir::Text> seen_;
  weir::OperatorListState<std::int64_t> known_;
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
  by_country
      .process<Alert>(
          "lambda",
          [](const Payment& payment, auto& context, auto& out) {
            out.emit({payment.account, out.text("in {}", context.key()), 1, payment.at});
          })
      .union_with(means)
      .rebalance()
      .print("e")
      .set_parallelism(2);
  auto rules = env.from_collection("rules", std::vector<Rule>{},
                                   weir::WatermarkStrategy<Rule>::none().with_idleness(1s));
  auto by_id =
      rules.filter([](const Rule& rule) { return !rule.id.empty(); }).broadcast("rules-by-id");
  payments.key_by(&Payment::account).connect(by_id).process("apply-rules", ApplyRules{}).print("f");
  payments.connect(by_id).process("pass", Pass{}).set_parallelism(2).print("g");
  return env.execute("all");
}
