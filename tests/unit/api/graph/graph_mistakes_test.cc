// SPDX-License-Identifier: Apache-2.0
// The mistakes of a program, reported together.
#include <gtest/gtest.h>

#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

using Env = StreamExecutionEnvironment;

const auto is_positive = [](const Reading& r) { return r.value > 0; };
const auto doubled = [](const Reading& r) { return Reading{r.sensor, 2 * r.value, r.at}; };
const auto larger = [](const Reading& a, const Reading& b) { return a.value > b.value ? a : b; };

/// What `build` says, without its first line.
std::string mistakes(const Env& env) {
  const std::string message = env.build("job").status().message();
  const std::size_t line = message.find('\n');
  return line == std::string::npos ? message : message.substr(line + 1);
}
auto source(Env& env, const std::string& id = "in") {
  return env.from_collection(id, std::vector<Reading>{}, by_time());
}

struct BadSink {
  std::vector<std::string> validate() const { return {"path is empty", "format is empty"}; }
  std::unique_ptr<SinkWriter<Reading>> make_writer() const { return nullptr; }
};

TEST(GraphMistakesTest, ReportsAllMistakesTogetherWithTheirOperators) {
  ExecutionSettings bad = settings();
  bad.mistakes = {"--parallelism: 'x' is not a number"};
  Env env(bad, Arguments({"--limt", "8"}));
  env.arguments().get("limit", 5);
  auto in = source(env);
  in.key_by(&Reading::sensor).reduce("", larger).print("twice");
  in.set_parallelism(0).print("twice");
  in.print("too-many").set_parallelism(40'000);
  in.map(doubled).set_parallelism(8).set_max_parallelism(4).print("less");
  in.sink_to("alerts", BadSink{});
  const Status status = env.build("").status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "the program '' cannot run: 10 mistakes\n"
            "  --parallelism: 'x' is not a number\n"
            "  argument --limt is not known; the job knows --limit\n"
            "  the job's name is empty\n"
            "  reduce '': its id is empty; it reads source 'in'\n"
            "  sink 'twice': 2 operators have this id\n"
            "  source 'in': its parallelism is 0, not between 1 and 32768\n"
            "  sink 'too-many': its parallelism is 40000, not between 1 and 32768\n"
            "  steps 'in/map': its parallelism, 8, is more than its max parallelism, 4\n"
            "  sink 'alerts': path is empty\n"
            "  sink 'alerts': format is empty");
}

TEST(GraphMistakesTest, ReportsAnEmptyProgram) {
  EXPECT_EQ(mistakes(Env(settings())), "  the program has no source");
}

TEST(GraphMistakesTest, ReportsStreamsThatNobodyReads) {
  Env env(settings());
  auto in = source(env);
  in.filter(is_positive).map(doubled);
  in.key_by(&Reading::sensor).reduce("largest", larger);
  source(env, "unread");
  EXPECT_EQ(mistakes(env),
            "  the steps 'filter-map' behind source 'in': nobody reads this stream, so it would "
            "never run\n"
            "  reduce 'largest': nobody reads this stream, so it would never run\n"
            "  source 'unread': nobody reads this stream, so it would never run");
}

TEST(GraphMistakesTest, ReportsAStreamThatIsUsedAfterItWasMoved) {
  Env env(settings());
  auto positive = source(env).filter(is_positive);
  positive.print("before");
  std::move(positive).map(doubled).print("after");
  EXPECT_EQ(mistakes(env),
            "  the steps 'filter' behind source 'in': the stream is used again after it was moved, "
            "and would run twice");
}

TEST(GraphMistakesTest, ReportsEventTimeOperatorsBehindASourceWithoutWatermarks) {
  Env env(settings());
  auto in = env.from_collection("in", std::vector<Reading>{});
  in.key_by(&Reading::sensor).window(tumbling(Duration{10})).aggregate("counts", count()).print();
  source(env, "timed")
      .union_with(in)
      .key_by(&Reading::sensor)
      .sorted_by_event_time("sorted")
      .reduce("largest", larger)
      .print("out");
  EXPECT_EQ(mistakes(env),
            "  window 'counts': it waits for watermarks, but source 'in' makes none: give it a "
            "WatermarkStrategy other than none()\n"
            "  sort 'sorted': it waits for watermarks, but source 'in' makes none: give it a "
            "WatermarkStrategy other than none()");
}

TEST(GraphMistakesTest, ReportsWindowsThatCannotBe) {
  Env env(settings());
  auto by_key = source(env).key_by(&Reading::sensor);
  by_key.window(tumbling(Duration{0})).aggregate("empty", count()).print("a");
  by_key.window(sliding(Duration{10}, Duration{-1})).aggregate("backward", count()).print("b");
  by_key.window(tumbling(Duration{10}).offset(Duration{-10}))
      .allowed_lateness(Duration{-5})
      .aggregate("moved", count())
      .print("c");
  by_key.window(sliding(std::chrono::hours{24}, Duration{1})).aggregate("many", count()).print("d");
  EXPECT_EQ(
      mistakes(env),
      "  window 'empty': the window's size must be positive, not 0 ms\n"
      "  window 'empty': the window's slide must be positive, not 0 ms\n"
      "  window 'backward': the window's slide must be positive, not -1 ms\n"
      "  window 'moved': the allowed lateness must not be negative, not -5 ms\n"
      "  window 'moved': the window's offset (-10 ms) must be shorter than its slide (10 ms)\n"
      "  window 'many': the window's size (1 d) must be at most 10,000,000 slides (1 ms)");
}

TEST(GraphMistakesTest, ReportsSideOutputsThatDoNotFit) {
  Env env(settings());
  const OutputTag<Reading> late("late");
  const OutputTag<Note> notes("late");
  auto by_key = source(env).key_by(&Reading::sensor);
  by_key.window(tumbling(Duration{10})).late_to(late).aggregate("lost", count()).print("a");
  auto counts = by_key.window(tumbling(Duration{10})).late_to(late).aggregate("counts", count());
  counts.side_output(late).print("b");
  counts.side_output(notes).print("c");
  source(env, "other").side_output(late).print("d");
  EXPECT_EQ(mistakes(env),
            "  window 'lost': late records go to 'late', but nobody reads it: use "
            "side_output('late')\n"
            "  window 'counts': side output 'late' is read as two different types\n"
            "  source 'other': has no side outputs, but 'late' is read");
}

class TwoOfAName : public KeyedProcessFunction<std::int64_t, Reading, Reading> {
 public:
  void declare(States& states) {
    a_ = states.value<int>("a");
    b_ = states.value<int>("a");
    timers_ = states.value<int>("event-time-timers");
  }
  void process(const Reading&, Context&, Output&) {}

 private:
  ValueState<int> a_;
  ValueState<int> b_;
  ValueState<int> timers_;
};

TEST(GraphMistakesTest, ReportsStatesOfOneName) {
  Env env(settings());
  source(env).key_by(&Reading::sensor).process("process", TwoOfAName()).print("out");
  EXPECT_EQ(mistakes(env),
            "  process 'process': two states have the name 'a'\n"
            "  process 'process': the name 'event-time-timers' of a state is taken by another one "
            "of this operator");
}

/// Declares broadcast states of these names.
class Maps : public KeyedBroadcastProcessFunction<std::int64_t, Reading, Reading, Reading> {
 public:
  explicit Maps(std::vector<std::string> names) : names_(std::move(names)) {}
  void declare(States& states) {
    states.value<int>("value");
    for (const std::string& name : names_) states.broadcast<int, int>(name);
  }
  void process(const Reading&, Context&, Output&) {}
  void process_broadcast(const Reading&, BroadcastContext&, Output&) {}

 private:
  std::vector<std::string> names_;
};
class MapsAlone : public KeyedProcessFunction<std::int64_t, Reading, Reading> {
 public:
  void declare(States& states) { states.broadcast<int, int>("rules"); }
  void process(const Reading&, Context&, Output&) {}
};

TEST(GraphMistakesTest, ReportsBroadcastStatesThatTheStreamAndTheFunctionDoNotShare) {
  Env env(settings());
  auto in = source(env);
  auto keyed = in.key_by(&Reading::sensor);
  const auto connected = [&](const std::string& id, std::vector<std::string> names,
                             const auto& broadcast) {
    keyed.connect(broadcast).process(id, Maps(std::move(names))).print(id + "-out");
  };
  connected("right", {"rules"}, in.broadcast("rules"));
  connected("undeclared", {}, in.broadcast("rules"));
  connected("unnamed", {"rules", "others"}, in.broadcast("rules"));
  connected("twice", {"rules"}, in.broadcast("rules", "rules"));
  connected("taken", {"value"}, in.broadcast("value"));
  keyed.process("alone", MapsAlone()).print("alone-out");
  EXPECT_EQ(
      mistakes(env),
      "  process 'undeclared': its stream is broadcast for state 'rules', which the function "
      "does not declare: states.broadcast<Key, Value>(\"rules\")\n"
      "  process 'unnamed': it declares broadcast state 'others', but no stream is broadcast "
      "for it: connect(stream.broadcast(\"others\"))\n"
      "  process 'twice': its broadcast stream names state 'rules' twice\n"
      "  process 'taken': two states have the name 'value'\n"
      "  process 'taken': its stream is broadcast for state 'value', which the function does "
      "not declare: states.broadcast<Key, Value>(\"value\")\n"
      "  process 'alone': it declares broadcast state 'rules', but no stream is broadcast for "
      "it: connect(stream.broadcast(\"rules\"))");
}

TEST(GraphMistakesTest, ReportsBroadcastStreamsThatNobodyReadsAndForeignOnes) {
  Env env(settings());
  Env other(settings());
  auto in = source(env);
  in.print("out");
  (void)in.broadcast("rules", "limits");
  (void)in.key_by(&Reading::sensor).connect(in.broadcast("unprocessed"));
  auto foreign = source(other, "foreign").broadcast("rules");
  in.key_by(&Reading::sensor).connect(foreign).process("mixed", Maps({"rules"})).print("mixed-out");
  EXPECT_EQ(mistakes(env),
            "  process 'mixed': the streams belong to different environments\n"
            "  the steps 'broadcast(rules, limits)' behind source 'in': nobody reads this stream, "
            "so it would never run\n"
            "  the steps 'broadcast(unprocessed)' behind source 'in': nobody reads this stream, so "
            "it would never run");
}

TEST(GraphMistakesTest, ReportsUnionsOfDifferentEnvironmentsAndOptionsOnUnions) {
  Env env(settings());
  Env other(settings());
  auto foreign = source(other, "foreign");
  source(env).union_with(foreign).print("a");
  source(env, "more").union_with(source(env, "third")).set_parallelism(2).print("b");
  EXPECT_EQ(mistakes(env),
            "  union_with: the streams belong to different environments\n"
            "  a union has no parallelism, slot or chain of its own");
}

TEST(GraphMistakesTest, ReportsWatermarkStrategiesThatCannotBe) {
  Env env(settings());
  env.from_collection("in", std::vector<Reading>{},
                      WatermarkStrategy<Reading>::bounded_out_of_orderness(Duration{-1})
                          .with_idleness(Duration{0}))
      .print("out");
  EXPECT_EQ(mistakes(env),
            "  source 'in': the out-of-orderness must not be negative, not -1 ms\n"
            "  source 'in': the idleness timeout must be positive, not 0 ms");
}

}  // namespace
}  // namespace weir::test
