// SPDX-License-Identifier: Apache-2.0
// weir_integration: a job of which several versions exist, for tests of `weir upgrade`.
#include <unistd.h>
#include <weir/connectors/files.h>
#include <weir/weir.h>

#include <cstdint>
#include <string>

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
template <class State>
class Count : public weir::KeyedProcessFunction<weir::Text, Visit, Visits> {
 public:
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

template <class State>
int run(weir::StreamExecutionEnvironment& env) {
  const weir::Arguments& arguments = env.arguments();
  env.from_source("visits",
                  weir::FileSource<Visit>{.path = arguments.get("input", "in.json"),
                                          .format = weir::json(),
                                          .rate_per_second = arguments.get("rate", 0.0)},
                  weir::WatermarkStrategy<Visit>::none())
      .key_by(&Visit::account)
      .process("count", Count<State>(arguments.get("hangs", false)))
      .sink_to("counts", weir::FileSink<Visits>{.path = arguments.get("output", "out"),
                                                .format = weir::json()});
  return env.execute(arguments.get("name", "counts"));
}

}  // namespace

int main(int argc, char** argv) {
  auto env = weir::StreamExecutionEnvironment::from_args(argc, argv);
  const std::string version = env.arguments().get("version", "first");
  if (version == "second") return run<Second>(env);
  return version == "incompatible" ? run<Incompatible>(env) : run<First>(env);
}
