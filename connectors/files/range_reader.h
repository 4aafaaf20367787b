// SPDX-License-Identifier: Apache-2.0
// RangeReader: the part of a file source's reader that does not depend on the record type.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/files/line_reader.h"
#include "connectors/source/bad_records.h"
#include "core/operator_context.h"

namespace weir::detail {

/// Reads the ranges given to one reader, one after the other, in the order of the source.
///
/// Errors: throws StatusError naming the file, see LineReader.
/// Thread: the subtask's.
class RangeReader {
 public:
  enum class Step {
    kBegun,    ///< a range was opened; its lines follow
    kLine,     ///< `line` is the next one
    kBusy,     ///< nothing to give out yet; call again
    kEnded,    ///< the range was read to its end; `id` is still its
    kNoRange,  ///< all ranges were read
  };

  RangeReader(std::size_t max_line_bytes, OnBadRecord on_bad_record);

  void open(OperatorContext& context);
  void add(const SourceSplit& split);

  Step next();
  bool has_range() const { return lines_.is_open() || !waiting_.empty(); }
  /// The range that was begun last.
  const std::string& id() const { return id_; }
  std::string_view line() const { return lines_.line(); }
  /// Where the line starts in its file, in bytes.
  std::uint64_t line_offset() const { return lines_.line_offset(); }
  /// The first line of the file that the range is of, followed by `kReadPadding` bytes. Valid until
  /// the next call.
  std::string_view read_first_line();

  /// The line that was given out last is no record.
  void add_bad_record(std::string_view reason);
  /// The first line is not what it must be, so no record of the file can be read.
  [[noreturn]] void fail_header(std::string_view reason) const;

  /// The ranges not read to their end, with positions after the lines given out.
  std::vector<SourceSplit> snapshot() const;

 private:
  const std::size_t max_line_bytes_;
  BadRecords bad_records_;
  OperatorContext* context_ = nullptr;
  LineReader lines_;
  LineReader first_lines_;
  std::string path_;  // of the range begun last
  std::string id_;
  std::deque<FileRange> waiting_;  // sorted by ordinal
};

}  // namespace weir::detail
