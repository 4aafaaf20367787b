// SPDX-License-Identifier: Apache-2.0
// weir_integration: a job of which several versions exist, for tests of what a version leaves to
// the next.
#include <unistd.h>
#include <weir/connectors/files.h>
#include <weir/savepoint.h>
#include <weir/weir.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

struct Visit {
  weir::Text account;
  std::int64_t number = 0;
};
WEIR_RECORD(Visit, account, number)

struct Visits {
  weir::Text account;
  std::int64_t number = 0;
  std::int64_t count = 0;
};
WEIR_RECORD(Visits, account, number, count)

// What the versions keep of an account.
struct First {
  std::int64_t count = 0;
};
WEIR_RECORD(First, count)
struct Second {
  std::string country = "unknown";
  std::int64_t count = 0;
};
WEIR_RECORD(Second, country, count)
struct Incompatible {
  std::string count = "0";
};
WEIR_RECORD(Incompatible, count)

namespace {

std::int64_t add_to(std::int64_t& count) { return ++count; }
std::int64_t add_to(std::string& count) {
  const std::int64_t sum = std::stoll(count) + 1;
  count = std::to_string(sum);
  return sum;
}

// Counts visits, if it gets so far.
template <class State, class Key = weir::Text>
class Count : public weir::KeyedProcessFunction<Key, Visit, Visits> {
  using Base = weir::KeyedProcessFunction<Key, Visit, Visits>;

 public:
  using typename Base::Context;
  using typename Base::Output;
  using typename Base::States;

  explicit Count(bool hangs) : hangs_(hangs) {}

  void declare(States& states) { state_ = states.template value<State>("visits"); }

  void open(weir::OpenContext&) {
    while (hangs_) ::pause();
  }

  void process(const Visit& visit, Context&, Output& out) {
    State state = state_.has_value() ? state_.value() : State{};
    const std::int64_t count = add_to(state.count);
    state_.set(state);
    out.emit({visit.account, visit.number, count});
  }

 private:
  bool hangs_;
  weir::ValueState<State> state_;
};

// Keeps state of every kind that a function can have.
class Kinds : public weir::KeyedProcessFunction<weir::Text, Visit, Visits> {
 public:
  void declare(States& states) {
    last_ = states.value<Visit>("last");
    numbers_ = states.list<std::int64_t>("numbers");
    by_rest_ = states.map<std::int32_t, std::int64_t>("by-rest");
    sum_ =
        states.reducing<std::int64_t>("sum", [](std::int64_t a, std::int64_t b) { return a + b; });
    mean_ = states.aggregating<std::int64_t, std::pair<std::int64_t, std::int64_t>, double>(
        "mean",
        [](auto& mean, std::int64_t number) {
          mean.first += number;
          ++mean.second;
        },
        [](const auto& mean) { return double(mean.first) / double(mean.second); });
  }

  void process(const Visit& visit, Context& context, Output& out) {
    last_.set(visit);
    numbers_.add(visit.number);
    const auto rest = static_cast<std::int32_t>(visit.number % 3);
    by_rest_.put(rest, by_rest_.contains(rest) ? *by_rest_.get(rest) + 1 : 1);
    sum_.add(visit.number);
    mean_.add(visit.number);
    // In the year 2100: none fires.
    context.timers().register_processing_time(
        weir::ProcessingTime(4'102'444'800'000 + visit.number));
    out.emit({visit.account, visit.number, 0});
  }

 private:
  weir::ValueState<Visit> last_;
  weir::ListState<std::int64_t> numbers_;
  weir::MapState<std::int32_t, std::int64_t> by_rest_;
  weir::ReducingState<std::int64_t> sum_;
  weir::AggregatingState<std::int64_t, std::pair<std::int64_t, std::int64_t>, double> mean_;
};

std::int64_t number_of(const weir::Text& account) { return std::stoll(account.str().substr(1)); }

// Makes of a savepoint of the first version one of the numbered version.
int rewrite(const std::string& from, const std::string& to) {
  const auto reader = weir::SavepointReader::open(from);
  weir::SavepointWriter writer("counts");
  weir::Status status = reader.status();
  if (status.is_ok()) status = writer.keep_all(*reader);
  if (status.is_ok()) status = writer.change_keys<weir::Text>("count", number_of);
  const auto path = status.is_ok() ? writer.write(to) : weir::Result<std::string>(status);
  std::fputs(((path.is_ok() ? *path : path.status().message()) + "\n").c_str(), stdout);
  return path.is_ok() ? 0 : 1;
}

template <class KeyOf, class Function>
int run(weir::StreamExecutionEnvironment& env, KeyOf key_of, Function function) {
  const weir::Arguments& arguments = env.arguments();
  env.from_source("visits",
                  weir::FileSource<Visit>{.path = arguments.get("input", "in.json"),
                                          .format = weir::json(),
                                          .rate_per_second = arguments.get("rate", 0.0)},
                  weir::WatermarkStrategy<Visit>::none())
      .key_by(key_of)
      .process("count", function)
      .sink_to("counts", weir::FileSink<Visits>{.path = arguments.get("output", "out"),
                                                .format = weir::json()});
  return env.execute(arguments.get("name", "counts"));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "rewrite") return rewrite(argv[2], argv[3]);
  auto env = weir::StreamExecutionEnvironment::from_args(argc, argv);
  const std::string version = env.arguments().get("version", "first");
  const bool hangs = env.arguments().get("hangs", false);
  if (version == "second") return run(env, &Visit::account, Count<Second>(hangs));
  if (version == "incompatible") return run(env, &Visit::account, Count<Incompatible>(hangs));
  if (version == "kinds") return run(env, &Visit::account, Kinds());
  if (version == "numbered") {
    const auto key_of = [](const Visit& visit) { return number_of(visit.account); };
    return run(env, key_of, Count<First, std::int64_t>(hangs));
  }
  return run(env, &Visit::account, Count<First>(hangs));
}
