// SPDX-License-Identifier: Apache-2.0
// What a window computes: the form of an aggregate, and count, sum, min, max, mean and top.
//
// An aggregate has these members; none of them may depend on the order of the records:
//
//   Accumulator accumulator() const;                             what a window starts with
//   void add(Accumulator& sum, const Row& row) const;
//   void merge(Accumulator& sum, const Accumulator& other) const;
//   Value result(const Accumulator& sum) const;                  optional: else the accumulator
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "types/type_kind.h"

namespace weir {

namespace detail {

template <class A>
using AccumulatorOf = std::remove_cvref_t<decltype(std::declval<const A&>().accumulator())>;

template <class A, class T>
concept AggregateFunction =
    std::copy_constructible<A> && requires(const A& aggregate, AccumulatorOf<A>& sum,
                                           const AccumulatorOf<A>& other, const T& row) {
      aggregate.add(sum, row);
      aggregate.merge(sum, other);
    };

/// What `aggregate.result` gives, or the accumulator itself.
template <class A>
decltype(auto) aggregate_result(const A& aggregate, const AccumulatorOf<A>& sum) {
  if constexpr (requires { aggregate.result(sum); }) {
    return aggregate.result(sum);
  } else {
    return (sum);
  }
}
template <class A>
using AggregateValue = std::remove_cvref_t<decltype(aggregate_result(
    std::declval<const A&>(), std::declval<const AccumulatorOf<A>&>()))>;

template <class F, class T>
using FieldOf = std::remove_cvref_t<std::invoke_result_t<const F&, const T&>>;

/// Wide enough that a sum of many stays exact (integers) or precise (floats).
template <class V>
using SumOf = std::conditional_t<
    std::floating_point<V>, double,
    std::conditional_t<std::signed_integral<V>, std::int64_t,
                       std::conditional_t<std::unsigned_integral<V>, std::uint64_t, V>>>;

struct Count {
  std::uint64_t accumulator() const { return 0; }
  template <class T>
  void add(std::uint64_t& sum, const T&) const {
    ++sum;
  }
  void merge(std::uint64_t& sum, std::uint64_t other) const { sum += other; }
};

template <class T, class F>
struct BoundSum {
  F field;
  SumOf<FieldOf<F, T>> accumulator() const { return {}; }
  void add(SumOf<FieldOf<F, T>>& sum, const T& row) const { sum += std::invoke(field, row); }
  void merge(SumOf<FieldOf<F, T>>& sum, const SumOf<FieldOf<F, T>>& other) const { sum += other; }
};

/// The first in the order of `Less`; its accumulator is empty only before the first record.
template <class T, class F, class Less>
struct BoundExtreme {
  using Value = FieldOf<F, T>;
  using Accumulator = std::optional<Value>;
  F field;
  Accumulator accumulator() const { return {}; }
  void add(Accumulator& best, const T& row) const { take(best, std::invoke(field, row)); }
  void merge(Accumulator& best, const Accumulator& other) const {
    if (other.has_value()) take(best, *other);
  }
  Value result(const Accumulator& best) const { return *best; }

 private:
  static void take(Accumulator& best, const Value& value) {
    if (!best.has_value() || Less{}(value, *best)) best = value;
  }
};

struct MeanAccumulator {
  double sum = 0;
  std::uint64_t count = 0;
  WEIR_RECORD_INSIDE(MeanAccumulator, sum, count)
};
template <class T, class F>
struct BoundMean {
  F field;
  MeanAccumulator accumulator() const { return {}; }
  void add(MeanAccumulator& mean, const T& row) const {
    mean.sum += static_cast<double>(std::invoke(field, row));
    ++mean.count;
  }
  void merge(MeanAccumulator& mean, const MeanAccumulator& other) const {
    mean.sum += other.sum;
    mean.count += other.count;
  }
  double result(const MeanAccumulator& mean) const {
    return mean.sum / static_cast<double>(mean.count);
  }
};

/// The greatest first; of equal ones the order is not defined.
template <class T, class F>
struct BoundTop {
  std::size_t size;
  F by;
  std::vector<T> accumulator() const { return {}; }
  void add(std::vector<T>& best, const T& row) const {
    const auto before = [this](const T& a, const T& b) {
      return std::invoke(by, b) < std::invoke(by, a);
    };
    if (best.size() == size && (size == 0 || !before(row, best.back()))) return;
    best.insert(std::upper_bound(best.begin(), best.end(), row, before), row);
    if (best.size() > size) best.pop_back();
  }
  void merge(std::vector<T>& best, const std::vector<T>& other) const {
    for (const T& row : other) add(best, row);
  }
};

/// An aggregate that learns the record type from the stream it is used on.
template <template <class, class> class Bound, class F>
struct Unbound {
  F field;
  template <class T>
    requires std::invocable<const F&, const T&>
  Bound<T, F> bind() const {
    return {field};
  }
};
template <class T, class F>
using BoundMin = BoundExtreme<T, F, std::less<>>;
template <class T, class F>
using BoundMax = BoundExtreme<T, F, std::greater<>>;

template <class F>
struct UnboundTop {
  std::size_t size;
  F by;
  template <class T>
    requires std::invocable<const F&, const T&>
  BoundTop<T, F> bind() const {
    return {size, by};
  }
};

template <class T, class A>
auto bind_aggregate(const A& aggregate) {
  if constexpr (requires { aggregate.template bind<T>(); }) {
    return aggregate.template bind<T>();
  } else {
    return aggregate;
  }
}

}  // namespace detail

/// How many records. Value: std::uint64_t.
inline detail::Count count() { return {}; }
/// The sum of a field or function of the record. Value: std::int64_t, std::uint64_t or double.
/// Sums of floating-point numbers depend on the order of the records in their last digits.
template <class F>
detail::Unbound<detail::BoundSum, F> sum(F field) {
  return {std::move(field)};
}
/// The least value of a field or function of the record.
template <class F>
detail::Unbound<detail::BoundMin, F> min(F field) {
  return {std::move(field)};
}
/// The greatest value of a field or function of the record.
template <class F>
detail::Unbound<detail::BoundMax, F> max(F field) {
  return {std::move(field)};
}
/// The mean of a field or function of the record. Value: double.
template <class F>
detail::Unbound<detail::BoundMean, F> mean(F field) {
  return {std::move(field)};
}
/// The `size` records with the greatest `by`, greatest first. Value: std::vector of records.
/// Cost: O(size) a record in the worst case.
template <class F>
detail::UnboundTop<F> top(std::size_t size, F by) {
  return {size, std::move(by)};
}

}  // namespace weir
