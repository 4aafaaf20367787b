// SPDX-License-Identifier: Apache-2.0
// The encoding of file splits. Part of snapshots: fields may only be added behind a new version.
#include "connectors/files/file_range.h"

#include "base/bytes.h"

namespace weir::detail {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

SourceSplit FileRange::to_split() const {
  ByteWriter out;
  out.put_u8(kVersion);
  out.put_varint64(ordinal);
  out.put_string(path);
  out.put_varint64(file_size);
  out.put_varint64(begin);
  out.put_varint64(end);
  out.put_varint64(position);
  return {id(), out.take()};
}

FileRange FileRange::from_split(const SourceSplit& split) {
  ByteReader in(split.position);
  if (in.get_u8() != kVersion) throw DecodeError("file split of an unknown version", 0);
  FileRange range;
  range.ordinal = in.get_varint64();
  range.path = in.get_string();
  range.file_size = in.get_varint64();
  range.begin = in.get_varint64();
  range.end = in.get_varint64();
  range.position = in.get_varint64();
  if (range.begin > range.end || range.end > range.file_size || range.position < range.begin) {
    throw DecodeError("file split with an impossible range", 0);
  }
  return range;
}

}  // namespace weir::detail
