// SPDX-License-Identifier: Apache-2.0
// Going from range to range.
#include "connectors/files/range_reader.h"

#include <algorithm>

#include "base/check.h"

namespace weir::detail {

RangeReader::RangeReader(std::size_t max_line_bytes, OnBadRecord on_bad_record)
    : max_line_bytes_(max_line_bytes),
      bad_records_(on_bad_record),
      lines_(max_line_bytes),
      first_lines_(max_line_bytes) {}

void RangeReader::open(OperatorContext& context) {
  context_ = &context;
  bad_records_.open(context);
}

void RangeReader::add(const SourceSplit& split) {
  FileRange range = FileRange::from_split(split);
  const auto place = std::upper_bound(
      waiting_.begin(), waiting_.end(), range,
      [](const FileRange& a, const FileRange& b) { return a.ordinal < b.ordinal; });
  waiting_.insert(place, std::move(range));
}

RangeReader::Step RangeReader::next() {
  WEIR_CHECK(context_ != nullptr);
  if (!lines_.is_open()) {
    if (waiting_.empty()) return Step::kNoRange;
    path_ = waiting_.front().path;
    id_ = waiting_.front().id();
    lines_.open(context_->files(), waiting_.front());
    waiting_.pop_front();
    return Step::kBegun;
  }
  switch (lines_.next()) {
    case LineReader::Step::kLine: return Step::kLine;
    case LineReader::Step::kBusy: return Step::kBusy;
    case LineReader::Step::kTooLong:
      add_bad_record("line is longer than " + std::to_string(max_line_bytes_) + " bytes");
      return Step::kBusy;
    case LineReader::Step::kEnd: lines_.close(); return Step::kEnded;
  }
  WEIR_UNREACHABLE();
}

std::string_view RangeReader::read_first_line() {
  FileRange range = lines_.range();
  range.begin = range.end = range.position = 0;
  first_lines_.open(context_->files(), range);
  LineReader::Step step = first_lines_.next();
  while (step == LineReader::Step::kBusy) step = first_lines_.next();
  first_lines_.close();
  if (step != LineReader::Step::kLine) fail_header("it is empty or too long");
  return first_lines_.line();
}

void RangeReader::add_bad_record(std::string_view reason) {
  bad_records_.add_unread(path_, lines_.line_offset(), reason);
}

void RangeReader::fail_header(std::string_view reason) const {
  throw StatusError(Status(StatusCode::kInvalidArgument,
                           "bad header in '" + path_ + "': " + std::string(reason),
                           ErrorDomain::kUser, RetryHint::kNo));
}

std::vector<SourceSplit> RangeReader::snapshot() const {
  std::vector<SourceSplit> splits;
  if (lines_.is_open()) splits.push_back(lines_.range().to_split());
  for (const FileRange& range : waiting_) splits.push_back(range.to_split());
  return splits;
}

}  // namespace weir::detail
