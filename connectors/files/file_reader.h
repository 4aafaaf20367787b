// SPDX-License-Identifier: Apache-2.0
// FileReader: the lines of a file source's ranges, decoded.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "connectors/files/range_reader.h"
#include "connectors/source/rate_limit.h"
#include "connectors/formats/format.h"
#include "core/source.h"

namespace weir::detail {

/// Reads ranges of files and emits a record per line.
template <class T>
class FileReader final : public SourceReader<T> {
 public:
  FileReader(RecordReader<T> records, RangeReader ranges, double rate_per_second)
      : records_(std::move(records)), ranges_(std::move(ranges)), rate_(rate_per_second) {}

  void open(OperatorContext& context) override {
    ranges_.open(context);
    rate_.open(context);
  }
  void add_split(SourceSplit split) override { ranges_.add(split); }
  std::vector<SourceSplit> snapshot() const override { return ranges_.snapshot(); }

  ReadResult read(SourceOutput<T>& output, std::size_t max_records) override {
    if (!ranges_.has_range()) return ReadResult::kNoSplit;
    const std::size_t allowed = rate_.allowed(max_records);
    if (allowed == 0) return ReadResult::kNothing;
    std::size_t lines = 0;
    const ReadResult result = read_lines(output, allowed, lines);
    rate_.spend(lines);
    return result;
  }

 private:
  ReadResult read_lines(SourceOutput<T>& output, std::size_t lines_max, std::size_t& lines) {
    while (lines < lines_max) {
      switch (ranges_.next()) {
        case RangeReader::Step::kBegun:
          output.begin_split(ranges_.id());
          if (records_.has_header()) read_header();
          break;
        case RangeReader::Step::kLine: {
          ++lines;
          if (ranges_.line_offset() == 0 && records_.has_header()) break;
          // Not in the try block: what comes after the source may throw the same error.
          std::optional<T> row = decode(output.maker());
          if (row.has_value()) [[likely]]
            output.emit(*std::move(row), EventTime::none());
          break;
        }
        case RangeReader::Step::kBusy: return ReadResult::kMore;
        case RangeReader::Step::kEnded: output.end_split(ranges_.id()); break;
        case RangeReader::Step::kNoRange: return ReadResult::kNoSplit;
      }
    }
    return ReadResult::kMore;
  }

  std::optional<T> decode(TextMaker& text) {
    try {
      return records_.read(ranges_.line(), text);
    } catch (const RecordError& error) {
      ranges_.add_bad_record(error.what());
      return std::nullopt;
    }
  }

  void read_header() {
    try {
      records_.read_header(ranges_.read_first_line());
    } catch (const RecordError& error) {
      ranges_.fail_header(error.what());
    }
  }

  RecordReader<T> records_;
  RangeReader ranges_;
  RateLimit rate_;
};

}  // namespace weir::detail
