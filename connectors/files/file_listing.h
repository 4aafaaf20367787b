// SPDX-License-Identifier: Apache-2.0
// Finds the files that a path means: a file, the files of a folder, or what a pattern matches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_store.h"
#include "base/status.h"

namespace weir::detail {

struct FoundFile {
  std::string path;
  std::uint64_t size = 0;  ///< bytes
  friend bool operator==(const FoundFile&, const FoundFile&) = default;
};

/// Lists what `path` means, sorted by path: the file; the files of the folder, not those of folders
/// in it; or what the pattern matches (`*`, `?`, `[...]`, in any part of the path; a folder that
/// matches stands for its files). A path that exists is never a pattern. Names that begin with `.`
/// are skipped unless written out, and so are pipes, devices and sockets, which have no ranges.
///
/// Errors: user errors that name the path, not to be retried: not found (also a folder without
///         files), permission denied, or the path is a pipe, a device or a socket.
/// Cost:   blocks; one `list` per folder visited.
Result<std::vector<FoundFile>> find_files(FileStore& files, const std::string& path);

}  // namespace weir::detail
