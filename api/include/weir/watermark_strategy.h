// SPDX-License-Identifier: Apache-2.0
// WatermarkStrategy: where a source's event times come from and how far records may be late.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/time.h"

namespace weir {

namespace detail {

/// Event time as the connector gives it.
struct ConnectorTime {};

/// What a strategy says, without the record type.
struct WatermarkRules {
  /// None: no watermark before the end of the input.
  std::optional<Duration> out_of_orderness = {};
  /// None: a split without records holds the watermark back for ever.
  std::optional<Duration> idleness = {};
};

template <class F, class T>
concept EventTimeOf =
    std::copy_constructible<F> && std::invocable<const F&, const T&> &&
    std::same_as<std::remove_cvref_t<std::invoke_result_t<const F&, const T&>>, EventTime>;

template <class F, class T>
constexpr bool check_event_time_of() {
  static_assert(EventTimeOf<F, T>,
                "weir: with_event_time(...) takes a member of the record that is a "
                "weir::EventTime, or a function from the record to one");
  return EventTimeOf<F, T>;
}

}  // namespace detail

/// Says how a source assigns event times and watermarks. Watermarks are kept for each split; the
/// source's watermark is their minimum.
///
/// Source: Flink, WatermarkStrategy and BoundedOutOfOrdernessWatermarks.
template <class T, class TimeOf = detail::ConnectorTime>
class WatermarkStrategy {
 public:
  /// No watermarks before the end of the input: for jobs without event time.
  static WatermarkStrategy none() { return WatermarkStrategy({}, {}); }
  /// Event times never go back within a split.
  static WatermarkStrategy monotonous() { return bounded_out_of_orderness(Duration{0}); }
  /// No record is older than the newest of its split by more than `bound`; older ones are late.
  static WatermarkStrategy bounded_out_of_orderness(Duration bound) {
    return WatermarkStrategy({.out_of_orderness = bound, .idleness = {}}, {});
  }

  /// Takes event time from the record: `&Transaction::at`, or a function of the record. Without it
  /// the connector's own timestamps are used, where it has any.
  template <class F>
  auto with_event_time(F time_of) const {
    if constexpr (detail::check_event_time_of<F, T>()) {
      return WatermarkStrategy<T, F>(rules_, std::move(time_of));
    } else {
      return *this;
    }
  }

  /// Lets the watermark go on without a split that had nothing to read for `timeout`. Off by
  /// default. Records that come later than that are late.
  WatermarkStrategy with_idleness(Duration timeout) const {
    WatermarkStrategy copy = *this;
    copy.rules_.idleness = timeout;
    return copy;
  }

  const detail::WatermarkRules& rules() const { return rules_; }
  const TimeOf& time_of() const { return time_of_; }

 private:
  template <class, class>
  friend class WatermarkStrategy;
  WatermarkStrategy(detail::WatermarkRules rules, TimeOf time_of)
      : rules_(rules), time_of_(std::move(time_of)) {}

  detail::WatermarkRules rules_;
  TimeOf time_of_;
};

}  // namespace weir
