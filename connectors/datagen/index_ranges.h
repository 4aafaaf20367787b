// SPDX-License-Identifier: Apache-2.0
// IndexRanges: the ranges that one reader of generated input has been given.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "connectors/datagen/index_enumerator.h"

namespace weir::detail {

/// Keeps ranges in the order of their numbers, so that after a rescale a reader goes on with what
/// is oldest.
class IndexRanges {
 public:
  void add(const SourceSplit& split) {
    const IndexRange range = IndexRange::from_split(split);
    // The first one may be half read: it stays the first unless nothing of it was read.
    const auto place = std::find_if(ranges_.begin(), ranges_.end(), [&](const IndexRange& other) {
      return !(is_begun_ && &other == &ranges_.front()) && range.begin < other.begin;
    });
    ranges_.insert(place, range);
  }
  bool is_empty() const { return ranges_.empty(); }
  IndexRange& first() { return ranges_.front(); }
  bool is_begun() const { return is_begun_; }
  void begin_first() { is_begun_ = true; }
  void remove_first() {
    ranges_.pop_front();
    is_begun_ = false;
  }
  std::vector<SourceSplit> snapshot() const {
    std::vector<SourceSplit> splits;
    for (const IndexRange& range : ranges_) splits.push_back(range.to_split());
    return splits;
  }

 private:
  std::deque<IndexRange> ranges_;
  bool is_begun_ = false;
};

}  // namespace weir::detail
