// SPDX-License-Identifier: Apache-2.0
// BadRecords: what happens to a record that cannot be read or written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/operator_context.h"

namespace weir {

/// What a source does with a record that it cannot read.
enum class OnBadRecord {
  kSkip,  ///< leave it out, count it and show it in the log
  kFail,  ///< fail the job, without a retry
};

namespace detail {

/// Counts bad records in the metric `bad_records` and shows the first ten and then every power of
/// two of them in the log, with the place they came from and the reason.
///
/// Thread: the subtask's.
class BadRecords {
 public:
  static constexpr std::string_view kMetric = "bad_records";
  static constexpr std::uint64_t kAllShown = 10;

  explicit BadRecords(OnBadRecord policy) : policy_(policy) {}
  /// Requires: called before `add`. `context` must outlive this object's use.
  void open(OperatorContext& context);

  /// Takes one record of `path` that starts at byte `offset` and cannot be read.
  /// Errors: throws StatusError (data loss, user, not to be retried) with the policy kFail.
  void add_unread(const std::string& path, std::uint64_t offset, std::string_view reason);
  /// Takes one record that cannot be written. Errors: as add_unread.
  void add_unwritten(std::string_view reason);

  std::uint64_t count() const { return count_; }

 private:
  // Counts; true if this one is to be shown. Throws with the policy kFail.
  bool add(const std::string& message);

  const OnBadRecord policy_;
  std::string operator_id_;
  std::uint64_t subtask_ = 0;
  Counter* counter_ = nullptr;
  std::uint64_t count_ = 0;
};

}  // namespace detail
}  // namespace weir
