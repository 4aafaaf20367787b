// SPDX-License-Identifier: Apache-2.0
// Cutting files into ranges, and the enumerator's snapshot.
#include "connectors/files/file_enumerator.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace weir::detail {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

FileEnumerator::FileEnumerator(std::string path, std::uint64_t split_bytes)
    : path_(std::move(path)), split_bytes_(split_bytes) {
  WEIR_CHECK_GT(split_bytes_, 0U);
}

void FileEnumerator::open(OperatorContext& context, const std::optional<std::string>& restored) {
  if (restored.has_value()) {
    restore(*restored);
    return;
  }
  const Result<std::vector<FoundFile>> found = find_files(context.files(), path_);
  throw_if_error(found.status());
  for (const FoundFile& file : *found) {
    if (file.size > 0) files_.push_back(file);
  }
}

std::optional<SourceSplit> FileEnumerator::next_split(SubtaskIndex) {
  if (files_.empty()) return std::nullopt;
  const FoundFile& file = files_.front();
  FileRange range;
  range.ordinal = next_ordinal_++;
  range.path = file.path;
  range.file_size = file.size;
  range.begin = range.position = next_begin_;
  range.end = next_begin_ + std::min(split_bytes_, file.size - next_begin_);
  next_begin_ = range.end;
  if (next_begin_ == file.size) {
    files_.pop_front();
    next_begin_ = 0;
  }
  return range.to_split();
}

std::string FileEnumerator::snapshot() const {
  ByteWriter out;
  out.put_u8(kVersion);
  out.put_varint64(next_ordinal_);
  out.put_varint64(next_begin_);
  out.put_varint64(files_.size());
  for (const FoundFile& file : files_) {
    out.put_string(file.path);
    out.put_varint64(file.size);
  }
  return out.take();
}

void FileEnumerator::restore(const std::string& state) {
  ByteReader in(state);
  if (in.get_u8() != kVersion) throw DecodeError("file enumerator state of an unknown version", 0);
  next_ordinal_ = in.get_varint64();
  next_begin_ = in.get_varint64();
  const std::uint64_t count = in.get_varint64();
  for (std::uint64_t i = 0; i < count; ++i) {
    FoundFile file;
    file.path = in.get_string();
    file.size = in.get_varint64();
    files_.push_back(std::move(file));
  }
  if (files_.empty() ? next_begin_ != 0 : next_begin_ >= files_.front().size) {
    throw DecodeError("file enumerator state with an impossible position", 0);
  }
}

}  // namespace weir::detail
