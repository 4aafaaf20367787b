// SPDX-License-Identifier: Apache-2.0
// IndexEnumerator: cuts the numbers from zero on into ranges, the splits of generated input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/source.h"

namespace weir::detail {

/// Numbers `[begin, end)` of a source, of which those before `position` have been emitted.
struct IndexRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t position = 0;

  SourceSplit to_split() const;
  /// Errors: throws DecodeError if the split is not one of `to_split`.
  static IndexRange from_split(const SourceSplit& split);
};

/// Hands out ranges in order, from zero to `count` or for ever.
class IndexEnumerator final : public SplitEnumerator {
 public:
  /// Requires: range_size > 0.
  IndexEnumerator(std::optional<std::uint64_t> count, std::uint64_t range_size);

  void open(OperatorContext& context, const std::optional<std::string>& restored) override;
  std::optional<SourceSplit> next_split(SubtaskIndex reader) override;
  bool is_exhausted() const override { return next_ == end_; }
  std::string snapshot() const override;

 private:
  const std::uint64_t end_;
  const std::uint64_t range_size_;
  std::uint64_t next_ = 0;
};

}  // namespace weir::detail
