// SPDX-License-Identifier: Apache-2.0
// A heap of cursors. They move on only when the next entry is asked for, so that views stay good.
#include "state/snapshot/merged_entries.h"

#include <algorithm>
#include <utility>

namespace weir {

void MergedEntries::add(const SnapshotReader& reader, const snapshot_format::State& state,
                        HashRange range) {
  to_move_.push_back(inputs_.size());
  inputs_.push_back({std::make_unique<SnapshotCursor>(reader, state, range), range});
}

bool MergedEntries::comes_later(std::size_t a, std::size_t b) const {
  const SnapshotCursor& left = *inputs_[a].cursor;
  const SnapshotCursor& right = *inputs_[b].cursor;
  if (left.hash() != right.hash()) {
    return left.hash() > right.hash();
  }
  const int order = left.key().compare(right.key());
  return order != 0 ? order > 0 : a < b;
}

Status MergedEntries::advance(std::size_t input) {
  const auto& [cursor, range] = inputs_[input];
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const bool is_there, cursor->next());
    if (!is_there || cursor->hash() >= range.end) {
      return Status::ok();
    }
    if (range.contains(cursor->hash())) {
      break;
    }
  }
  heap_.push_back(input);
  std::push_heap(heap_.begin(), heap_.end(),
                 [this](std::size_t a, std::size_t b) { return comes_later(a, b); });
  return Status::ok();
}

Result<bool> MergedEntries::next() {
  for (const std::size_t input : to_move_) {
    WEIR_RETURN_IF_ERROR(advance(input));
  }
  to_move_.clear();
  if (heap_.empty()) {
    return false;
  }
  const auto later = [this](std::size_t a, std::size_t b) { return comes_later(a, b); };
  const auto take = [&] {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    to_move_.push_back(heap_.back());
    heap_.pop_back();
    return to_move_.back();
  };
  current_ = take();
  while (!heap_.empty()) {
    const SnapshotCursor& hidden = *inputs_[heap_.front()].cursor;
    if (hidden.hash() != hash() || hidden.key() != key()) {
      break;
    }
    take();
  }
  return true;
}

}  // namespace weir
