// SPDX-License-Identifier: Apache-2.0
// Index ranges and their stored form.
#include "connectors/datagen/index_enumerator.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"

namespace weir::detail {

SourceSplit IndexRange::to_split() const {
  ByteWriter out;
  out.put_varint64(begin);
  out.put_varint64(end);
  out.put_varint64(position);
  return {std::to_string(begin), out.take()};
}

IndexRange IndexRange::from_split(const SourceSplit& split) {
  ByteReader in(split.position);
  IndexRange range;
  range.begin = in.get_varint64();
  range.end = in.get_varint64();
  range.position = in.get_varint64();
  if (range.position < range.begin || range.end < range.position) {
    throw DecodeError("index range with an impossible position", 0);
  }
  return range;
}

IndexEnumerator::IndexEnumerator(std::optional<std::uint64_t> count, std::uint64_t range_size)
    : end_(count.value_or(std::numeric_limits<std::uint64_t>::max())), range_size_(range_size) {
  WEIR_CHECK_GT(range_size_, 0U);
}

void IndexEnumerator::open(OperatorContext&, const std::optional<std::string>& restored) {
  if (!restored.has_value()) return;
  ByteReader in(*restored);
  next_ = std::min(in.get_varint64(), end_);
}

std::optional<SourceSplit> IndexEnumerator::next_split(SubtaskIndex) {
  if (is_exhausted()) return std::nullopt;
  IndexRange range;
  range.begin = range.position = next_;
  range.end = next_ + std::min(range_size_, end_ - next_);
  next_ = range.end;
  return range.to_split();
}

std::string IndexEnumerator::snapshot() const {
  ByteWriter out;
  out.put_varint64(next_);
  return out.take();
}

}  // namespace weir::detail
