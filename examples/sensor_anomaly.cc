// SPDX-License-Identifier: Apache-2.0
// Watches sensors: tells when one reads differently from how it always did, and when one is silent.
//
// Mean and deviation of each sensor and minute come from a tumbling window. The mean is compared
// with the history of the sensor's own means, kept in state: more than `--deviations` from it is an
// anomaly, and does not become history. A sensor without a reading for `--silence` is reported by
// an event-time timer.
//
// Input is generated: five sensors, one reading a second each, for `--minutes` minutes from
// 2026-01-01T00:00:00Z. Sensor 2 reads 3 too high from minute 30 on for two minutes; sensor 4 is
// silent from minute 40 on for five; with the end of the input all of them fall silent.
//
//   ./sensor_anomaly
//
//   Alert{sensor: "sensor-2", at: 2026-01-01T00:31:00.000Z, what: "mean 27.4 is 11.31 dev...
//   Alert{sensor: "sensor-2", at: 2026-01-01T00:32:00.000Z, what: "mean 27.1 is 10.33 dev...
//   Alert{sensor: "sensor-4", at: 2026-01-01T00:41:59.000Z, what: "no reading for 2 min"}
//   Alert{sensor: "sensor-0", at: 2026-01-01T01:01:59.000Z, what: "no reading for 2 min"}
//   ... and so on for sensors 1 to 4
#include <weir/connectors/datagen.h>
#include <weir/weir.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

using namespace std::chrono_literals;

struct Reading {
  weir::Text sensor;
  double value = 0;
  weir::EventTime at;
};
WEIR_RECORD(Reading, sensor, value, at)

struct Summary {
  weir::Text sensor;
  weir::EventTime end;
  double mean = 0;
  double deviation = 0;
};
WEIR_RECORD(Summary, sensor, end, mean, deviation)

struct Alert {
  weir::Text sensor;
  weir::EventTime at;
  weir::Text what;
};
WEIR_RECORD(Alert, sensor, at, what)

// Sums in thousandths: integers add up to the same in any order.
struct Sums {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  std::int64_t squares = 0;

  double mean() const { return static_cast<double>(sum) / 1e3 / static_cast<double>(count); }
  double deviation() const {
    const double mean_square = static_cast<double>(squares) / 1e6 / static_cast<double>(count);
    return std::sqrt(std::max(0.0, mean_square - mean() * mean()));
  }
};
WEIR_RECORD(Sums, count, sum, squares)

struct MeanAndDeviation {
  Sums accumulator() const { return {}; }
  void add(Sums& sums, const Reading& reading) const {
    const std::int64_t thousandths = std::llround(reading.value * 1e3);
    ++sums.count;
    sums.sum += thousandths;
    sums.squares += thousandths * thousandths;
  }
  void merge(Sums& sums, const Sums& other) const {
    sums.count += other.count;
    sums.sum += other.sum;
    sums.squares += other.squares;
  }
};

// Mean and spread of what was seen so far, updated one by one (Welford).
struct History {
  std::int64_t count = 0;
  double mean = 0;
  double spread = 0;

  double deviation() const { return std::sqrt(spread / static_cast<double>(count)); }
  void add(double value) {
    ++count;
    const double delta = value - mean;
    mean += delta / static_cast<double>(count);
    spread += delta * (value - mean);
  }
};
WEIR_RECORD(History, count, mean, spread)

double rounded(double value) { return std::round(value * 100) / 100; }

// Alerts when a minute's mean is too far from the history of the sensor's means.
class AgainstHistory : public weir::KeyedProcessFunction<weir::Text, Summary, Alert> {
 public:
  explicit AgainstHistory(double deviations) : deviations_(deviations) {}

  void declare(States& states) { history_ = states.value<History>("history"); }

  void process(const Summary& minute, Context&, Output& out) {
    History history = history_.has_value() ? history_.value() : History{};
    const double score = (minute.mean - history.mean) / history.deviation();
    if (history.count >= kHistoryMin && std::abs(score) > deviations_) {
      out.emit({minute.sensor, minute.end,
                out.text("mean {} is {} deviations from {}", rounded(minute.mean), rounded(score),
                         rounded(history.mean))});
      return;
    }
    history.add(minute.mean);
    history_.set(history);
  }

 private:
  static constexpr std::int64_t kHistoryMin = 10;

  double deviations_;
  weir::ValueState<History> history_;
};

// Alerts when a sensor gave no reading for some time, once for each silence. Whether the timer or
// the next reading comes first depends on when watermarks pass, so either may tell.
class Silence : public weir::KeyedProcessFunction<weir::Text, Reading, Alert> {
 public:
  explicit Silence(weir::Duration silence) : silence_(silence) {}

  void declare(States& states) { deadline_ = states.value<weir::EventTime>("deadline"); }

  void process(const Reading& reading, Context& context, Output& out) {
    if (deadline_.has_value()) {
      if (reading.at > deadline_.value()) tell(reading.sensor, out);
      context.timers().delete_event_time(deadline_.value());
    }
    deadline_.set(reading.at + silence_);
    context.timers().register_event_time(reading.at + silence_);
  }

  void on_timer(const Timer&, Context& context, Output& out) {
    tell(context.key(), out);
    deadline_.clear();
  }

 private:
  void tell(weir::Text sensor, Output& out) {
    out.emit({sensor, deadline_.value(), out.text("no reading for {}", silence_)});
  }

  weir::Duration silence_;
  weir::ValueState<weir::EventTime> deadline_;
};

constexpr std::int64_t kSensors = 5;
constexpr weir::EventTime kStart{1'767'225'600'000};

// Between -0.5 and 0.5, the same for the same number.
double noise(std::uint64_t number) {
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9U;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EBU;
  return static_cast<double>((number ^ (number >> 31)) % 1000) / 1000 - 0.5;
}

// The reading of a number; not a number where the sensor is silent.
Reading make_reading(std::uint64_t i, weir::TextMaker& text) {
  const auto number = static_cast<std::int64_t>(i);
  const std::int64_t sensor = number % kSensors;
  const std::int64_t second = number / kSensors;
  const std::int64_t minute = second / 60;
  double value = 20 + 2 * static_cast<double>(sensor) + noise(i + 1) +
                 noise(static_cast<std::uint64_t>(minute * kSensors + sensor + 1) << 40);
  if (sensor == 2 && minute >= 30 && minute < 32) value += 3;
  if (sensor == 4 && minute >= 40 && minute < 45) value = std::numeric_limits<double>::quiet_NaN();
  return {text.text("sensor-{}", sensor), value, kStart + std::chrono::seconds{second}};
}

int main(int argc, char** argv) {
  auto env = weir::StreamExecutionEnvironment::from_args(argc, argv);
  const std::uint64_t minutes = env.arguments().get("minutes", std::uint64_t{60});
  const double deviations = env.arguments().get("deviations", 6.0);
  const weir::Duration silence = env.arguments().get("silence", weir::Duration{2min});

  auto readings =
      env.from_source(
             "readings",
             weir::DataGenSource<Reading>{.generator = make_reading,
                                          .count = minutes * 60 * kSensors},
             weir::WatermarkStrategy<Reading>::bounded_out_of_orderness(1s).with_event_time(
                 &Reading::at))
          .filter([](const Reading& reading) { return !std::isnan(reading.value); });
  auto by_sensor = readings.key_by(&Reading::sensor);

  auto anomalies =
      by_sensor.window(weir::tumbling(1min))
          .aggregate("mean-and-deviation", MeanAndDeviation{},
                     [](weir::Text sensor, const weir::TimeWindow& window, const Sums& sums) {
                       return Summary{sensor, window.end, sums.mean(), sums.deviation()};
                     })
          .key_by(&Summary::sensor)
          .process("against-history", AgainstHistory{deviations});
  auto silences = by_sensor.sorted_by_event_time("in-order").process("silence", Silence{silence});

  anomalies.union_with(silences).print();

  return env.execute("sensor-anomaly");
}
