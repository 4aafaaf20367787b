// SPDX-License-Identifier: Apache-2.0
// Counter, Gauge and MetricGroup: numbers that one thread writes and any thread reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// Counts up. As cheap as a plain integer: one thread adds, any thread reads.
class Counter {
 public:
  /// Thread: the single writer; no read-modify-write is paid for.
  void add(std::uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  /// Thread: any.
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Holds a number that goes up and down. Thread: any, for both.
class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Names and values that tell metrics of one name apart, such as {"operator", "alerts"}. Sorted.
using MetricLabels = std::map<std::string, std::string>;

enum class MetricKind { kCounter, kGauge };

/// What one metric read at the time of a snapshot.
struct MetricSample {
  std::string name;
  MetricLabels labels;
  MetricKind kind;
  std::int64_t value;
};

/// Registers metrics by name and labels, and keeps them as long as it lives.
///
/// The same name and labels give the same metric. References stay valid while the group lives; no
/// metric is removed, so labels must be bounded (an operator, a subtask; never a key).
///
/// Thread: any. Takes one lock and calls nothing while it holds it.
class MetricGroup {
 public:
  MetricGroup() = default;
  MetricGroup(const MetricGroup&) = delete;
  MetricGroup& operator=(const MetricGroup&) = delete;

  /// Requires: the name and labels are not those of a gauge.
  Counter& counter(std::string_view name, const MetricLabels& labels = {});
  /// Requires: the name and labels are not those of a counter.
  Gauge& gauge(std::string_view name, const MetricLabels& labels = {});

  /// Reads all metrics, sorted by name, then labels. Counters of one group may be read at slightly
  /// different instants.
  std::vector<MetricSample> snapshot() const;

 private:
  struct Metric {
    explicit Metric(MetricKind metric_kind) : kind(metric_kind) {}
    const MetricKind kind;
    Counter counter;
    Gauge gauge;
  };
  using Key = std::pair<std::string, MetricLabels>;

  Metric& metric(std::string_view name, const MetricLabels& labels, MetricKind kind);

  mutable std::mutex mutex_;
  std::map<Key, Metric> metrics_;  // guarded by mutex_; its elements never move
};

}  // namespace weir
