// SPDX-License-Identifier: Apache-2.0
// The registry behind MetricGroup.
#include "base/metrics.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace weir {

MetricGroup::Metric& MetricGroup::metric(std::string_view name, const MetricLabels& labels,
                                         MetricKind kind) {
  const std::lock_guard lock(mutex_);
  const auto [position, is_new] = metrics_.try_emplace(Key(name, labels), kind);
  WEIR_CHECK_EQ(position->second.kind, kind);
  return position->second;
}

Counter& MetricGroup::counter(std::string_view name, const MetricLabels& labels) {
  return metric(name, labels, MetricKind::kCounter).counter;
}

Gauge& MetricGroup::gauge(std::string_view name, const MetricLabels& labels) {
  return metric(name, labels, MetricKind::kGauge).gauge;
}

std::vector<MetricSample> MetricGroup::snapshot() const {
  constexpr std::uint64_t kSampleMax = std::numeric_limits<std::int64_t>::max();
  const std::lock_guard lock(mutex_);
  std::vector<MetricSample> samples;
  samples.reserve(metrics_.size());
  for (const auto& [key, metric] : metrics_) {
    const std::int64_t value =
        metric.kind == MetricKind::kGauge
            ? metric.gauge.value()
            : static_cast<std::int64_t>(std::min(metric.counter.value(), kSampleMax));
    samples.push_back({key.first, key.second, metric.kind, value});
  }
  return samples;
}

}  // namespace weir
