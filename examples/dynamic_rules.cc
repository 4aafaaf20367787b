// SPDX-License-Identifier: Apache-2.0
// Checks payments against rules that come and change while the job runs.
//
// A rule is broadcast: every subtask has all of them, in broadcast state. From its own time on it
// tells of payments above its limit, in its country or, without one, in any; a later rule of the
// same id takes its place, and one with a negative limit ends it.
//
// A payment waits until event time has passed it, by both streams. Then all rules that were in
// force at its time are there, so the alerts do not depend on which file was read faster.
//
//   ./dynamic_rules --parallelism 2 -- --payments payments.json --rules rules.json --output alerts
//
// Input, a line per payment, and a line per rule, in the order of their times:
//
//   {"account":"acc-008020","amount":322.56,"country":"ES","at":1767225600795}
//   {"id":"large-in-es","country":"ES","limit":300,"at":1767225600000}
//
// Output, in files of the folder `alerts`:
//
//   {"account":"acc-008020","rule":"large-in-es","amount":322.56,"at":1767225600795}
//
// What the rules were at a savepoint:
//
//   weir savepoint read savepoints/savepoint-... --operator apply-rules --state rules
#include <weir/connectors/files.h>
#include <weir/weir.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

struct Payment {
  weir::Text account;
  double amount = 0;
  weir::Text country;
  weir::EventTime at;
};
WEIR_RECORD(Payment, account, amount, country, at)

struct Rule {
  weir::Text id;
  weir::Text country;  ///< empty: any
  double limit = 0;    ///< negative: the rule ends
  weir::EventTime at;  ///< from then on
};
WEIR_RECORD(Rule, id, country, limit, at)

struct Alert {
  weir::Text account;
  weir::Text rule;
  double amount = 0;
  weir::EventTime at;
};
WEIR_RECORD(Alert, account, rule, amount, at)

class ApplyRules : public weir::KeyedBroadcastProcessFunction<weir::Text, Payment, Rule, Alert> {
 public:
  void declare(States& states) {
    waiting_ = states.list<Payment>("waiting");
    rules_ = states.broadcast<Version, Rule>("rules");
  }

  void process(const Payment& payment, Context& context, Output&) {
    waiting_.add(payment);
    context.timers().register_event_time(payment.at);
  }

  // Nothing is replaced, so it does not matter in which order rules come.
  void process_broadcast(const Rule& rule, BroadcastContext& context, Output&) {
    context.write(rules_).put({rule.id, rule.at}, rule);
  }

  void on_timer(const Timer& timer, Context&, Output& out) {
    std::vector<Payment> later;
    for (const Payment& payment : waiting_.get()) {
      if (payment.at <= timer.at) {
        check(payment, out);
      } else {
        later.push_back(payment);
      }
    }
    waiting_.update(std::move(later));
  }

 private:
  // Entries are in this order: of each rule one version after the other.
  using Version = std::pair<weir::Text, weir::EventTime>;

  void check(const Payment& payment, Output& out) const {
    const Rule* in_force = nullptr;
    for (const auto& [version, rule] : rules_.entries()) {
      if (in_force != nullptr && in_force->id != rule.id) {
        apply(*in_force, payment, out);
        in_force = nullptr;
      }
      if (rule.at <= payment.at) in_force = &rule;
    }
    if (in_force != nullptr) apply(*in_force, payment, out);
  }
  static void apply(const Rule& rule, const Payment& payment, Output& out) {
    const bool is_here = rule.country.empty() || rule.country == payment.country;
    if (rule.limit >= 0 && is_here && payment.amount > rule.limit) {
      out.emit({payment.account, rule.id, payment.amount, payment.at});
    }
  }

  weir::ListState<Payment> waiting_;
  weir::BroadcastState<Version, Rule> rules_;
};

int main(int argc, char** argv) {
  auto env = weir::StreamExecutionEnvironment::from_args(argc, argv);
  const weir::Arguments& arguments = env.arguments();
  const std::string payments_path = arguments.get("payments", "payments.json");
  const std::string rules_path = arguments.get("rules", "rules.json");
  const std::string output = arguments.get("output", "alerts");
  const double rate = arguments.get("rate", 0.0);  // payments per second; 0 for as fast as possible

  auto payments = env.from_source(
      "payments",
      weir::FileSource<Payment>{
          .path = payments_path, .format = weir::json(), .rate_per_second = rate},
      weir::WatermarkStrategy<Payment>::bounded_out_of_orderness(5s).with_event_time(&Payment::at));
  // Where no rule came for a while, payments do not wait for the next one.
  auto rules =
      env.from_source(
             "rules", weir::FileSource<Rule>{.path = rules_path, .format = weir::json()},
             weir::WatermarkStrategy<Rule>::monotonous().with_event_time(&Rule::at).with_idleness(
                 10s))
          .set_parallelism(1);

  payments.key_by(&Payment::account)
      .connect(rules.broadcast("rules"))
      .process("apply-rules", ApplyRules{})
      .sink_to("alerts", weir::FileSink<Alert>{.path = output, .format = weir::json()});

  return env.execute("dynamic-rules");
}
