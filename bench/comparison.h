// SPDX-License-Identifier: Apache-2.0
// What is measured: subjects that do the same work in different ways, and which of them are held
// against each other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::bench {

/// What one pass over the data gave: how many rows, and a checksum over all their fields.
struct Outcome {
  std::uint64_t rows = 0;
  std::uint64_t checksum = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// One way to do some work.
struct Subject {
  std::string name;            ///< "chain/weir"
  std::uint64_t records = 0;   ///< records that go in during one pass
  /// Whether passes are short and timed many at once, or each is a whole job.
  enum class Length { kShort, kJob } length = Length::kShort;
  std::function<Outcome()> pass;
};

/// What a comparison must reach.
struct Target {
  enum class Kind {
    kNone,
    kRatioMax,  ///< at most so many times the loop's time
    kRateMin,   ///< at least so many million records per second of processor time
  };
  Kind kind = Kind::kNone;
  double value = 0;
};

/// Weir and a hand-written loop that do the same.
struct Comparison {
  std::string title;
  std::string weir;  ///< names of the subjects
  std::string loop;
  Target target;
};

/// How much is measured.
enum class Effort { kQuick, kFull };

/// Everything there is to measure.
class Suite {
 public:
  explicit Suite(Effort effort) : effort_(effort) {}

  Effort effort() const { return effort_; }
  void add(Subject subject) { subjects_.push_back(std::move(subject)); }
  void compare(Comparison comparison) { comparisons_.push_back(std::move(comparison)); }

  /// Leaves the comparisons whose title or subject contains `text`, and their subjects.
  void keep_only(std::string_view text);

  const std::vector<Subject>& subjects() const { return subjects_; }
  const std::vector<Comparison>& comparisons() const { return comparisons_; }

 private:
  Effort effort_;
  std::vector<Subject> subjects_;
  std::vector<Comparison> comparisons_;
};

// Each adds its subjects and comparisons.
void add_fused_chain(Suite& suite);
void add_local_exchange(Suite& suite);
void add_keyed_update(Suite& suite);
void add_window_count(Suite& suite);
void add_json_decode(Suite& suite);
void add_nexmark(Suite& suite);

}  // namespace weir::bench
