// SPDX-License-Identifier: Apache-2.0
// FusedOperator: map, filter and flat_map steps in one loop over the batch, without a row stored
// between them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/operators/function_traits.h"
#include "api/operators/output_cursor.h"
#include "core/operator.h"

namespace weir::detail {

template <class F>
struct MapStep {
  static constexpr const char* kName = "map";
  static constexpr bool kCounts = false;
  F function;
};
template <class F>
struct FilterStep {
  static constexpr const char* kName = "filter";
  static constexpr bool kCounts = true;
  F function;
};
template <class Out, class F>
struct FlatMapStep {
  static constexpr const char* kName = "flat_map";
  static constexpr bool kCounts = true;
  F function;
};

template <class Step>
inline constexpr bool kIsMap = false;
template <class F>
inline constexpr bool kIsMap<MapStep<F>> = true;
template <class Step>
inline constexpr bool kIsFilter = false;
template <class F>
inline constexpr bool kIsFilter<FilterStep<F>> = true;

/// What a flat_map function emits to: hands each row to the next step.
template <class Out, class Next>
class FlatMapOutput {
 public:
  FlatMapOutput(Next& next, TextMaker& maker) : next_(next), maker_(maker) {}

  [[gnu::always_inline]] void emit(Out row) { next_(row); }
  template <class Other>
    requires(!std::convertible_to<const Other&, Out>)
  void emit(const Other&) {
    static_assert(std::same_as<Other, Out>,
                  "weir: flat_map<Out>(...) emits rows of type Out; this is another type");
  }

  /// Makes text that is valid until the function returns, also in the rows it emits.
  Text text(std::string_view value) { return maker_.text(value); }
  template <class... Args>
  Text text(TextFormat<std::type_identity_t<Args>...> format, const Args&... args) {
    return maker_.text(format, args...);
  }

 private:
  Next& next_;
  TextMaker& maker_;
};

/// Runs stateless steps over batches of In and emits rows of Out with the event time of their
/// input.
///
/// Steps that drop or multiply rows count what they let through, as metric
/// `numStepRecordsOut{step="0 filter"}`; the others have the count of their predecessor.
template <class In, class Out, class... Steps>
class FusedOperator final : public Operator {
 public:
  explicit FusedOperator(std::tuple<Steps...> steps) : steps_(std::move(steps)) {}

  void open(OperatorContext& context) override {
    std::size_t position = 0;
    const auto add_counter = [&](const char* name, bool counts) {
      if (counts) {
        counters_[position] = &context.metrics().counter(
            "numStepRecordsOut", {{"step", std::to_string(position) + " " + name}});
      }
      ++position;
    };
    (add_counter(Steps::kName, Steps::kCounts), ...);
  }

  void process_batch(InputIndex, BatchView view) override {
    if constexpr (!std::is_trivially_copyable_v<In>) {
      if (view.unique) {
        run_batch<Rows::kMayMove>(view);
        return;
      }
    }
    run_batch<Rows::kConstant>(view);
  }

  std::span<OutputPort* const> outputs() override { return ports_; }

 private:
  static constexpr std::size_t kNumSteps = sizeof...(Steps);
  using Counts = std::array<std::uint64_t, kNumSteps>;
  enum class Rows { kConstant, kMayMove };

  template <Rows kRows>
  void run_batch(BatchView view) {
    output_.begin_input(&view.batch);
    In* const rows = view.typed<In>().rows().data();
    const EventTime* const times = view.batch.times().data();
    TextMaker scratch(scratch_arenas_);
    Counts counts{};
    {
      OutputCursor<Out> cursor(output_);
      for (std::size_t i = view.begin; i < view.end; ++i) {
        run<0, kRows>(rows[i], times[i], cursor, counts, scratch);
      }
    }
    for (std::size_t step = 0; step < kNumSteps; ++step) {
      if (counters_[step] != nullptr) counters_[step]->add(counts[step]);
    }
    scratch_arenas_.clear();
  }

  /// Runs the steps from I on. `row` is changed by nobody; with kMayMove its last use may take it.
  template <std::size_t I, Rows kRows, class Row>
  [[gnu::always_inline]] void run(Row& row, EventTime time, OutputCursor<Out>& cursor,
                                  Counts& counts, TextMaker& scratch) {
    if constexpr (I == kNumSteps) {
      if constexpr (kRows == Rows::kMayMove) {
        cursor.append(time, [&row]() -> Row&& { return std::move(row); });
      } else {
        cursor.append(time, [&row]() -> const Row& { return row; });
      }
    } else {
      auto& function = std::get<I>(steps_).function;
      using Step = std::tuple_element_t<I, std::tuple<Steps...>>;
      if constexpr (kIsFilter<Step>) {
        if (std::invoke(function, std::as_const(row))) {
          ++counts[I];
          run<I + 1, kRows>(row, time, cursor, counts, scratch);
        }
      } else if constexpr (kIsMap<Step> && I + 1 == kNumSteps) {
        cursor.append(time, [&]() -> decltype(auto) {
          return call_map(function, std::as_const(row), last_maker(cursor, scratch));
        });
      } else if constexpr (kIsMap<Step>) {
        MapResult<decltype(Step::function), Row> mapped =
            call_map(function, std::as_const(row), scratch);
        run<I + 1, Rows::kMayMove>(mapped, time, cursor, counts, scratch);
      } else {
        run_flat_map<I>(function, row, time, cursor, counts, scratch);
      }
    }
  }

  template <std::size_t I, class F, class Row>
  [[gnu::always_inline]] void run_flat_map(F& function, Row& row, EventTime time,
                                           OutputCursor<Out>& cursor, Counts& counts,
                                           TextMaker& scratch) {
    const auto next = [&](auto& emitted) __attribute__((always_inline)) {
      ++counts[I];
      run<I + 1, Rows::kMayMove>(emitted, time, cursor, counts, scratch);
    };
    using Emitted = typename FlatMapRow<std::tuple_element_t<I, std::tuple<Steps...>>>::Row;
    // Text goes to scratch memory: the batch may be full and gone before the function has ended.
    FlatMapOutput<Emitted, decltype(next)> out(next, scratch);
    std::invoke(function, std::as_const(row), out);
  }

  template <class Step>
  struct FlatMapRow {};
  template <class Emitted, class F>
  struct FlatMapRow<FlatMapStep<Emitted, F>> {
    using Row = Emitted;
  };

  // The last map makes text in the batch itself, if the batch can hold text.
  [[gnu::always_inline]] static TextMaker& last_maker(OutputCursor<Out>& cursor,
                                                      TextMaker& scratch) {
    if constexpr (kHoldsText<Out>) {
      return cursor.maker();
    } else {
      return scratch;
    }
  }

  std::tuple<Steps...> steps_;
  Output<Out> output_;
  OutputPort* ports_[1] = {&output_};
  std::array<Counter*, kNumSteps> counters_{};
  ArenaList scratch_arenas_;
};

}  // namespace weir::detail
