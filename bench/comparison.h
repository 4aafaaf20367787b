// SPDX-License-Identifier: Apache-2.0
// What is measured: subjects that do the same work in different ways, and which of them are held
// against each other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::bench {

/// What one pass over the data gave: how many rows, and a checksum over all their fields.
struct Outcome {
  std::uint64_t rows = 0;
  std::uint64_t checksum = 0;
  // Of a job of Weir's, for the report:
  std::uint64_t checkpoints = 0;       ///< completed while it ran
  std::uint64_t checkpoint_bytes = 0;  ///< of the last
  friend bool operator==(const Outcome& a, const Outcome& b) {
    return a.rows == b.rows && a.checksum == b.checksum;
  }
};

/// One way to do some work.
struct Subject {
  std::string name;            ///< "chain/weir"
  std::uint64_t records = 0;   ///< records that go in during one pass
  /// Whether passes are short and timed many at once, each is a whole job, or each is a job in a
  /// process of its own, whose memory is told.
  enum class Length { kShort, kJob, kProcess } length = Length::kShort;
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
  /// What another system published: thousand records per second of processor time; 0: none.
  double published = 0;
};

/// How much is measured. Long: state-heavy jobs run for a minute each, once.
enum class Effort { kQuick, kFull, kLong };

struct Scope {
  Effort effort = Effort::kFull;
  std::string state_backend = "heap";
  std::int64_t checkpoint_millis = 0;  ///< between checkpoints of state-heavy jobs; 0: as measured
  int repetitions = 0;                 ///< of processes; 0: as measured
};

/// Everything there is to measure.
class Suite {
 public:
  explicit Suite(Scope scope) : scope_(std::move(scope)) {}

  Effort effort() const { return scope_.effort; }
  const Scope& scope() const { return scope_; }
  void add(Subject subject) { subjects_.push_back(std::move(subject)); }
  void compare(Comparison comparison) { comparisons_.push_back(std::move(comparison)); }

  /// Leaves the comparisons whose title or subject contains `text`, and their subjects.
  void keep_only(std::string_view text);

  const std::vector<Subject>& subjects() const { return subjects_; }
  const std::vector<Comparison>& comparisons() const { return comparisons_; }

 private:
  Scope scope_;
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
void add_stateful_nexmark(Suite& suite);

}  // namespace weir::bench
