// SPDX-License-Identifier: Apache-2.0
// The names in a directory of checkpoints, and what stands behind them. docs/FORMATS.md has the
// whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "core/ids.h"
#include "state/snapshot/checkpoint_metadata.h"

namespace weir::checkpoint_layout {

/// There when a checkpoint or savepoint is complete, and only then.
inline constexpr std::string_view kMetadata = "_metadata";
/// How the names of metadata begin that is being written.
inline constexpr std::string_view kMetadataAside = "_metadata.tmp-";
/// Of a checkpoint: made exclusively by who takes it; the path of the savepoint that it holds the
/// id of, if any. Of a savepoint: locked as long as it is being taken.
inline constexpr std::string_view kBegun = "_begun";
/// Locked by the run that uses a job's directory.
inline constexpr std::string_view kLock = ".lock";
/// How the name of a savepoint's directory begins.
inline constexpr std::string_view kSavepointPrefix = "savepoint-";

std::string join(const std::string& directory, std::string_view name);
/// Where a checkpoint lies in the directory of its job.
std::string checkpoint_directory(const std::string& directory, CheckpointId checkpoint);
/// The id in the name of a checkpoint's directory; none in other names.
std::optional<CheckpointId> checkpoint_id_of(std::string_view name);
/// The checkpoint that the run of this name was begun for.
std::optional<CheckpointId> checkpoint_id_of_run(std::string_view name);

/// Calls `f` with each file that lies outside the metadata, until it fails.
template <class Metadata, class F>
Status for_each_file(Metadata& metadata, F&& f) {
  const auto visit = [&f](auto& file) { return file.is_inline() ? Status::ok() : f(file); };
  for (auto& checkpoint : metadata.operators) {
    for (auto& handle : checkpoint.subtasks) {
      WEIR_RETURN_IF_ERROR(visit(handle));
      for (auto& run : handle.runs) {
        WEIR_RETURN_IF_ERROR(visit(run.file));
      }
    }
  }
  return Status::ok();
}

}  // namespace weir::checkpoint_layout
