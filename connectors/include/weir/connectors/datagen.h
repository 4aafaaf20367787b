// SPDX-License-Identifier: Apache-2.0
// DataGenSource: records made by a function of their number.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "connectors/datagen/index_enumerator.h"
#include "connectors/datagen/index_ranges.h"
#include "connectors/source/rate_limit.h"
#include "core/source.h"

namespace weir {

namespace detail {

template <class F, class T>
concept GeneratorOf =
    std::copy_constructible<F> && (std::is_invocable_r_v<T, const F&, std::uint64_t, TextMaker&> ||
                                   std::is_invocable_r_v<T, const F&, std::uint64_t>);

/// A function from a record's number to the record, made into a loop so that it is called directly.
template <class T>
class Generator {
 public:
  Generator() = default;
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Generator>)
  Generator(F function) {
    static_assert(
        GeneratorOf<F, T>,
        "weir: a generator is a function from std::uint64_t, and a weir::TextMaker& if it "
        "makes text, to the record");
    if constexpr (GeneratorOf<F, T>) {
      loop_ = [function = std::move(function)](std::uint64_t begin, std::uint64_t end,
                                               SourceOutput<T>& output) {
        for (std::uint64_t i = begin; i < end;) {
          if (const SourceRoom<T> room = output.begin_append(); room.size > 0) {
            i += fill(function, i, std::min<std::uint64_t>(room.size, end - i), room, output);
          } else {
            output.emit(make(function, i++, output.maker()), EventTime::none());
          }
        }
      };
    }
  }

  explicit operator bool() const { return static_cast<bool>(loop_); }
  void operator()(std::uint64_t begin, std::uint64_t end, SourceOutput<T>& output) const {
    loop_(begin, end, output);
  }

 private:
  template <class F>
  static T make(const F& function, std::uint64_t i, TextMaker& text) {
    if constexpr (std::is_invocable_v<const F&, std::uint64_t, TextMaker&>) {
      return function(i, text);
    } else {
      return function(i);
    }
  }
  // Makes records `begin` and those behind it where they are to lie. If one throws, those before it
  // are kept.
  template <class F>
  static std::uint64_t fill(const F& function, std::uint64_t begin, std::uint64_t count,
                            const SourceRoom<T>& room, SourceOutput<T>& output) {
    std::uint64_t made = 0;
    try {
      for (; made < count; ++made) {
        ::new (static_cast<void*>(room.rows + made)) T(make(function, begin + made, *room.text));
      }
    } catch (...) {
      output.end_append(made);
      throw;
    }
    output.end_append(made);
    return made;
  }

  std::function<void(std::uint64_t, std::uint64_t, SourceOutput<T>&)> loop_;
};

template <class T>
class DataGenReader final : public SourceReader<T> {
 public:
  DataGenReader(Generator<T> generator, double rate_per_second)
      : generator_(std::move(generator)), rate_(rate_per_second) {}

  void open(OperatorContext& context) override { rate_.open(context); }
  void add_split(SourceSplit split) override { ranges_.add(split); }
  ReadResult read(SourceOutput<T>& output, std::size_t max_records) override {
    if (ranges_.is_empty()) return ReadResult::kNoSplit;
    IndexRange& range = ranges_.first();
    if (!ranges_.is_begun()) {
      ranges_.begin_first();
      output.begin_split(range.to_split().id);
    }
    const std::uint64_t count = rate_.allowed(
        static_cast<std::size_t>(std::min<std::uint64_t>(max_records, range.end - range.position)));
    if (count == 0 && range.position < range.end) return ReadResult::kNothing;
    generator_(range.position, range.position + count, output);
    rate_.spend(static_cast<std::size_t>(count));
    range.position += count;
    if (range.position < range.end) return ReadResult::kMore;
    output.end_split(range.to_split().id);
    ranges_.remove_first();
    return ranges_.is_empty() ? ReadResult::kNoSplit : ReadResult::kMore;
  }
  std::vector<SourceSplit> snapshot() const override { return ranges_.snapshot(); }

 private:
  const Generator<T> generator_;
  RateLimit rate_;
  IndexRanges ranges_;
};

}  // namespace detail

/// Generates records by number: 0, 1, 2, ... The same number always gives the same record, so that
/// a restored job goes on as if nothing had happened.
///
///   weir::DataGenSource<Reading>{.generator = [](std::uint64_t i) { return Reading{...}; },
///                                .count = 1'000'000}
///
/// Order:  numbers rise within a split; readers take splits in the order of their numbers.
/// Thread: several readers call copies of the generator at once.
template <class T>
struct DataGenSource {
  using Row = T;

  /// Makes the record of a number: `T(std::uint64_t)`, or `T(std::uint64_t, weir::TextMaker&)`
  /// where it makes text. Must depend on nothing else.
  detail::Generator<T> generator = {};
  /// Records in total. Default: unbounded.
  std::optional<std::uint64_t> count = {};
  /// Records per second, over all subtasks; 0 for as fast as possible. Default: 0.
  double rate_per_second = {};
  /// Into how many splits `count` is cut; 0 for splits of a size that suits the rate. Default: 0.
  std::uint64_t splits = {};

  std::vector<std::string> validate() const {
    std::vector<std::string> mistakes;
    if (!generator) mistakes.push_back("generator is empty");
    if (!(rate_per_second >= 0)) mistakes.push_back("rate_per_second is negative");
    if (splits > 0 && !count.has_value()) {
      mistakes.push_back(
          "splits is set but count is not: an unbounded source has no number of splits");
    }
    return mistakes;
  }
  std::unique_ptr<SplitEnumerator> make_enumerator() const {
    return std::make_unique<detail::IndexEnumerator>(count, split_size());
  }
  std::unique_ptr<SourceReader<T>> make_reader() const {
    return std::make_unique<detail::DataGenReader<T>>(generator, rate_per_second);
  }

 private:
  // Large enough that asking for splits costs nothing, small enough that readers share a low rate.
  std::uint64_t split_size() const {
    constexpr std::uint64_t kRecordsMax = 65536;
    constexpr double kSplitsPerSecond = 50;
    if (splits > 0) return std::max<std::uint64_t>(1, (*count + splits - 1) / splits);
    if (rate_per_second <= 0) return kRecordsMax;
    return static_cast<std::uint64_t>(
        std::clamp(rate_per_second / kSplitsPerSecond, 1.0, double{kRecordsMax}));
  }
};

}  // namespace weir
