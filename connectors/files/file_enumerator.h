// SPDX-License-Identifier: Apache-2.0
// FileEnumerator: finds files and cuts them into ranges.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "connectors/files/file_listing.h"
#include "connectors/files/file_range.h"
#include "core/source.h"

namespace weir::detail {

/// Lists the files once, when it is opened for the first time, and hands out their ranges in order:
/// file by file, from the start of each to its end.
///
/// Its snapshot holds the files that are not handed out whole, so it shrinks as the job goes on.
class FileEnumerator final : public SplitEnumerator {
 public:
  FileEnumerator(std::string path, std::uint64_t split_bytes);

  void open(OperatorContext& context, const std::optional<std::string>& restored) override;
  std::optional<SourceSplit> next_split(SubtaskIndex reader) override;
  bool is_exhausted() const override { return files_.empty(); }
  std::string snapshot() const override;

 private:
  void restore(const std::string& state);

  const std::string path_;
  const std::uint64_t split_bytes_;
  std::deque<FoundFile> files_;   // not handed out whole; none is empty
  std::uint64_t next_begin_ = 0;  // in the first of files_
  std::uint64_t next_ordinal_ = 0;
};

}  // namespace weir::detail
