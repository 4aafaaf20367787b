// SPDX-License-Identifier: Apache-2.0
// The records that tests of api work on.
#pragma once

#include <weir/weir.h>

#include <string>
#include <vector>

#include "testing/operator_harness.h"

namespace weir::test {

struct Reading {
  std::int64_t sensor = 0;
  std::int64_t value = 0;
  EventTime at;
};
WEIR_RECORD(Reading, sensor, value, at)

struct Note {
  Text author;
  Text text;
  EventTime at;
};
WEIR_RECORD(Note, author, text, at)

using testing::check_operator;
using testing::HarnessElement;
using testing::OperatorHarness;
using testing::Timed;

/// A reading with its own time as event time.
inline Timed<Reading> reading(std::int64_t sensor, std::int64_t value, std::int64_t at) {
  return {{sensor, value, EventTime(at)}, EventTime(at)};
}
inline Watermark watermark(std::int64_t at) { return {EventTime(at)}; }

using BySensor = detail::KeySelector<Reading, std::int64_t Reading::*>;
inline BySensor by_sensor() { return BySensor(&Reading::sensor); }

inline WatermarkStrategy<Reading, EventTime Reading::*> by_time() {
  return WatermarkStrategy<Reading>::bounded_out_of_orderness(Duration{0})
      .with_event_time(&Reading::at);
}

/// Settings under which two runs give the same graph.
inline ExecutionSettings settings(std::uint32_t parallelism = 1) {
  ExecutionSettings settings;
  settings.parallelism = Parallelism{parallelism};
  return settings;
}

}  // namespace weir::test
