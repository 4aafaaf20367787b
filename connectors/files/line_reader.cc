// SPDX-License-Identifier: Apache-2.0
// Block reading and line splitting.
#include "connectors/files/line_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir::detail {
namespace {

// How far past the end of its range a read goes at first, for the line that crosses it.
constexpr std::size_t kTailBytes = std::size_t{16} << 10;

Status changed_file(const FileRange& range, std::uint64_t size) {
  return Status(StatusCode::kFailedPrecondition,
                "file changed while it was read: '" + range.path + "' had " +
                    std::to_string(range.file_size) + " bytes when it was found, now has " +
                    std::to_string(size),
                ErrorDomain::kUser, RetryHint::kNo);
}

}  // namespace

LineReader::LineReader(std::size_t max_line_bytes, std::size_t block_bytes)
    : max_line_bytes_(max_line_bytes), block_bytes_(block_bytes) {}

void LineReader::open(FileStore& files, FileRange range) {
  Result<std::unique_ptr<ReadableFile>> file = files.open(range.path);
  throw_if_error(file.status());
  if ((*file)->size() != range.file_size) throw StatusError(changed_file(range, (*file)->size()));
  file_ = std::move(file).value();
  range_ = std::move(range);
  at_ = range_.position == range_.begin && range_.begin > 0 ? At::kForeignLine : At::kLineStart;
  buffer_offset_ = range_.position;
  filled_ = cursor_ = searched_ = 0;
  if (capacity_ > 2 * block_bytes_) {  // a long line made it grow
    buffer_.reset();
    capacity_ = 0;
  }
}

FileRange LineReader::range() const {
  FileRange range = range_;
  switch (at_) {
    case At::kForeignLine: range.position = range.begin; break;
    case At::kLongLine: range.position = line_offset_; break;
    case At::kLineStart: range.position = cursor_offset(); break;
    case At::kEnd: range.position = range.end; break;
  }
  return range;
}

LineReader::Step LineReader::next() {
  for (;;) {
    if (at_ == At::kForeignLine || at_ == At::kLongLine) {
      const Step step = pass_over();
      if (at_ != At::kLineStart || step == Step::kTooLong) return step;
    }
    if (cursor_offset() > range_.end || cursor_offset() >= range_.file_size) at_ = At::kEnd;
    if (at_ == At::kEnd) return Step::kEnd;
    const char* const found = static_cast<const char*>(
        filled_ > searched_ ? std::memchr(buffer_.get() + searched_, '\n', filled_ - searched_)
                            : nullptr);
    if (found != nullptr) {
      const std::size_t end = static_cast<std::size_t>(found - buffer_.get());
      if (take_line(end, end + 1)) return line_.data() == nullptr ? Step::kTooLong : Step::kLine;
      continue;
    }
    searched_ = filled_;
    if (is_file_read()) {
      if (take_line(filled_, filled_))
        return line_.data() == nullptr ? Step::kTooLong : Step::kLine;
      continue;
    }
    if (filled_ - cursor_ > max_line_bytes_ + 1) {  // one more, for the CR of a CRLF
      line_offset_ = cursor_offset();
      at_ = At::kLongLine;
      discard_buffer();
    }
    fill();
  }
}

// Looks for the end of a line that is not given out, a block at a time.
LineReader::Step LineReader::pass_over() {
  if (at_ == At::kForeignLine && cursor_offset() >= range_.end) {
    at_ = At::kEnd;  // what starts behind the foreign line starts behind the range
    return Step::kEnd;
  }
  const char* const from = buffer_.get() + cursor_;
  const char* const found = static_cast<const char*>(
      filled_ > cursor_ ? std::memchr(from, '\n', filled_ - cursor_) : nullptr);
  const bool is_long = at_ == At::kLongLine;
  if (found == nullptr && !is_file_read()) {
    discard_buffer();
    fill();
    return Step::kBusy;
  }
  cursor_ = found == nullptr ? filled_ : static_cast<std::size_t>(found - buffer_.get()) + 1;
  searched_ = cursor_;
  at_ = At::kLineStart;
  return is_long ? Step::kTooLong : Step::kBusy;
}

// Takes the line from the cursor to `end`; false if it is empty. `line_` is null if it is too long.
bool LineReader::take_line(std::size_t end, std::size_t next) {
  const char* const start = buffer_.get() + cursor_;
  std::size_t size = end - cursor_;
  if (size > 0 && start[size - 1] == '\r') --size;
  line_offset_ = cursor_offset();
  line_ = size > max_line_bytes_ ? std::string_view() : std::string_view(start, size);
  cursor_ = searched_ = next;
  return size > 0;
}

void LineReader::discard_buffer() {
  buffer_offset_ += filled_;
  filled_ = cursor_ = searched_ = 0;
}

// Reads on behind what is there, keeping what lies behind the cursor.
void LineReader::fill() {
  const std::size_t kept = filled_ - cursor_;
  const std::uint64_t offset = buffer_offset_ + filled_;
  const std::uint64_t until_end = range_.end > offset ? range_.end - offset : 0;
  // For a long line as much as is there already, so that it is not copied again and again.
  const std::uint64_t growth = std::min(kept, max_line_bytes_);
  const std::uint64_t wanted = std::max<std::uint64_t>(until_end + kTailBytes, growth);
  const std::uint64_t bytes_max = std::max<std::uint64_t>(block_bytes_, growth);
  const std::size_t bytes =
      static_cast<std::size_t>(std::min({wanted, bytes_max, range_.file_size - offset}));
  make_room(bytes);
  const Result<std::size_t> got = file_->read_at(offset, buffer_.get() + filled_, bytes);
  throw_if_error(got.status());
  if (*got != bytes) throw StatusError(changed_file(range_, offset + *got));
  filled_ += bytes;
}

// Moves what lies behind the cursor to the front and makes room for `bytes` more.
void LineReader::make_room(std::size_t bytes) {
  const std::size_t kept = filled_ - cursor_;
  if (kept + bytes > capacity_) {
    const std::size_t capacity = std::max(kept + bytes, block_bytes_);
    auto larger = std::make_unique<char[]>(capacity + kReadPadding);
    if (kept > 0) std::memcpy(larger.get(), buffer_.get() + cursor_, kept);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  } else if (kept > 0 && cursor_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + cursor_, kept);
  }
  buffer_offset_ += cursor_;
  searched_ -= cursor_;
  filled_ = kept;
  cursor_ = 0;
}

}  // namespace weir::detail
