// SPDX-License-Identifier: Apache-2.0
// Metrics and their registry.
#include "base/metrics.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(MetricsTest, CounterAndGaugeHoldTheirValues) {
  Counter counter;
  counter.add();
  counter.add(41);
  EXPECT_EQ(counter.value(), 42U);
  Gauge gauge;
  gauge.set(5);
  gauge.add(-7);
  EXPECT_EQ(gauge.value(), -2);
}

TEST(MetricGroupTest, SameNameAndLabelsGiveTheSameMetric) {
  MetricGroup group;
  group.counter("records", {{"operator", "a"}}).add(1);
  group.counter("records", {{"operator", "b"}}).add(10);
  group.counter("records", {{"operator", "a"}}).add(2);
  EXPECT_EQ(group.counter("records", {{"operator", "a"}}).value(), 3U);
  EXPECT_EQ(group.counter("records", {{"operator", "b"}}).value(), 10U);
}

TEST(MetricGroupTest, ReferencesStayValidWhileOthersAreAdded) {
  MetricGroup group;
  Counter& first = group.counter("first");
  for (int i = 0; i < 1000; ++i) {
    group.gauge("gauge" + std::to_string(i));
  }
  first.add(9);
  EXPECT_EQ(&group.counter("first"), &first);
  EXPECT_EQ(group.counter("first").value(), 9U);
}

TEST(MetricGroupTest, SnapshotIsSortedAndComplete) {
  MetricGroup group;
  group.gauge("z").set(-1);
  group.counter("a", {{"k", "2"}}).add(2);
  group.counter("a", {{"k", "1"}}).add(1);
  const std::vector<MetricSample> samples = group.snapshot();
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0].labels.at("k"), "1");
  EXPECT_EQ(samples[0].value, 1);
  EXPECT_EQ(samples[0].kind, MetricKind::kCounter);
  EXPECT_EQ(samples[1].value, 2);
  EXPECT_EQ(samples[2].name, "z");
  EXPECT_EQ(samples[2].kind, MetricKind::kGauge);
  EXPECT_EQ(samples[2].value, -1);
}

TEST(MetricGroupTest, OneNameIsNotBothCounterAndGauge) {
  MetricGroup group;
  group.counter("x");
  EXPECT_DEATH(group.gauge("x"), "kind");
}

}  // namespace
}  // namespace weir
