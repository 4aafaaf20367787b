// SPDX-License-Identifier: Apache-2.0
// LineReader: the lines of one range of a file, read in large blocks and given out where they lie.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/file_store.h"
#include "connectors/files/file_range.h"
#include "connectors/formats/format.h"

namespace weir::detail {

/// Reads lines, ended by LF or CRLF; the last one of a file may have no end. Empty lines are passed
/// over. Memory: the block, or the longest line if that is longer.
///
/// Errors: throws StatusError naming the file: it cannot be read; it is not as long as when it was
///         found (failed precondition, user, not to be retried).
/// Thread: the subtask's; reads in place.
class LineReader {
 public:
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

  enum class Step {
    kLine,     ///< `line` is the next one
    kTooLong,  ///< a line longer than the limit was passed over; `line_offset` tells where it
               ///< starts
    kBusy,     ///< a part of a long line was passed over; call again
    kEnd,      ///< no further line starts in the range
  };

  explicit LineReader(std::size_t max_line_bytes, std::size_t block_bytes = kBlockBytes);

  /// Goes to `range.position`.
  void open(FileStore& files, FileRange range);
  bool is_open() const { return file_ != nullptr; }
  void close() { file_.reset(); }

  /// Goes to the next line.
  Step next();
  /// The line without its end, followed by `kReadPadding` readable bytes. Valid until `next`.
  std::string_view line() const { return line_; }
  /// Where the line starts in the file, in bytes.
  std::uint64_t line_offset() const { return line_offset_; }

  /// The range with its position after the lines given out.
  FileRange range() const;

 private:
  // What the bytes at the cursor are.
  enum class At {
    kLineStart,
    kForeignLine,  // in a line that belongs to the range before
    kLongLine,     // in a line over the limit that started at line_offset_
    kEnd,          // behind the range
  };

  std::uint64_t cursor_offset() const { return buffer_offset_ + cursor_; }
  bool is_file_read() const { return buffer_offset_ + filled_ == range_.file_size; }
  Step pass_over();
  bool take_line(std::size_t end, std::size_t next);
  void discard_buffer();
  void fill();
  void make_room(std::size_t bytes);

  // Constant.
  const std::size_t max_line_bytes_;
  const std::size_t block_bytes_;

  std::unique_ptr<ReadableFile> file_;
  FileRange range_;
  At at_ = At::kLineStart;
  // The bytes [buffer_offset_, buffer_offset_ + filled_) of the file; the cursor stands within.
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;  // without the padding
  std::uint64_t buffer_offset_ = 0;
  std::size_t filled_ = 0;
  std::size_t cursor_ = 0;
  std::size_t searched_ = 0;  // no line end lies in [cursor_, searched_)
  std::string_view line_;
  std::uint64_t line_offset_ = 0;
};

}  // namespace weir::detail
