// SPDX-License-Identifier: Apache-2.0
// Makes pending files visible, each exactly once however often it is asked, and clears up.
#pragma once

#include <string>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"
#include "connectors/files/file_sink_state.h"
#include "connectors/files/output_names.h"

namespace weir::detail {

/// Gives each file its visible name, then makes the names durable. A file that has it already is
/// done: an earlier commit got that far.
///
/// Errors: data loss that names both paths, if the file has neither name or not the length it must
///         have; otherwise what the store says.
/// Thread: any. Cost: blocks.
Status commit_files(FileStore& files, const std::vector<UncommittedFile>& pending);

/// Copies the valid part of a file that an earlier attempt was writing into `target`. The old file
/// stays as it is: the checkpoint that speaks of it may be restored again, and its writer may be
/// alive.
///
/// Returns false if there is nothing to copy because the file became visible since: then an older
/// checkpoint was restored than the last one that was committed.
/// Errors: as commit_files.
Result<bool> copy_valid_part(FileStore& files, const UncommittedFile& source, OutputFile& target);

/// Lists the hidden files that earlier attempts left behind in the sink's folder. A folder that
/// cannot be listed is logged and has none.
///
/// Requires (before they are removed): a checkpoint of this attempt is complete, so that no restart
/// asks for those files.
std::vector<std::string> find_left_overs(FileStore& files, const OutputNames& names);

/// Removes files that nobody needs; what cannot be removed is logged and stays.
void remove_files(FileStore& files, const std::vector<std::string>& paths);

}  // namespace weir::detail
