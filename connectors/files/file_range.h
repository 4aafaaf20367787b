// SPDX-License-Identifier: Apache-2.0
// FileRange: the split of a file source, a range of bytes of one file.
#pragma once

#include <cstdint>
#include <string>

#include "core/source.h"

namespace weir::detail {

/// A range of bytes of one file, and how far its lines have been read.
///
/// The lines of a range are those that start after `begin` (at or after it, where it is 0) and not
/// after `end`; the last of them is read through its own end. So each line belongs to exactly one
/// of the ranges that cover a file, wherever they are cut.
struct FileRange {
  std::uint64_t ordinal = 0;  ///< place among all ranges of the source; they are read in this order
  std::string path;
  std::uint64_t file_size = 0;  ///< bytes, when the file was found
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  /// Where the next line starts; `begin` while nothing has been read.
  std::uint64_t position = 0;

  /// Names the range: "<path>:<begin>". Never changes.
  std::string id() const { return path + ":" + std::to_string(begin); }

  SourceSplit to_split() const;
  /// Errors: throws DecodeError if the split is not one of `to_split`.
  static FileRange from_split(const SourceSplit& split);
};

}  // namespace weir::detail
