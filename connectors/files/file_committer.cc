// SPDX-License-Identifier: Apache-2.0
// Renames, copies and removals of a file sink.
#include "connectors/files/file_committer.h"

#include <algorithm>
#include <set>

#include "base/fault_point.h"
#include "base/logging.h"

namespace weir::detail {
namespace {

constexpr std::size_t kCopyBytes = std::size_t{1} << 20;

Status lost(const UncommittedFile& file) {
  return data_loss("output is lost: neither '" + file.hidden + "' nor '" + file.visible +
                   "' is there, which a checkpoint says holds " + std::to_string(file.length) +
                   " bytes");
}

// Checks the length of a file that ought to be there and complete.
Status check_length(FileStore& files, const UncommittedFile& file, const std::string& path) {
  const Result<FileInfo> info = files.stat(path);
  if (info.status().code() == StatusCode::kNotFound) return lost(file);
  WEIR_RETURN_IF_ERROR(info.status());
  if (info->size == file.length) return Status::ok();
  return data_loss("output is damaged: '" + path + "' has " + std::to_string(info->size) +
                   " bytes, a checkpoint says " + std::to_string(file.length));
}

Status commit_file(FileStore& files, const UncommittedFile& file) {
  fault_point("file-sink.before-rename");
  const Status renamed = files.rename_new(file.hidden, file.visible);
  fault_point("file-sink.after-rename");
  if (renamed.code() == StatusCode::kAlreadyExists) {
    // Both names: a store without atomic rename_new was interrupted between its two steps.
    WEIR_RETURN_IF_ERROR(check_length(files, file, file.visible));
    WEIR_RETURN_IF_ERROR(check_length(files, file, file.hidden));
    return files.remove(file.hidden);
  }
  if (!renamed.is_ok() && renamed.code() != StatusCode::kNotFound) return renamed;
  return check_length(files, file, file.visible);
}

}  // namespace

Status commit_files(FileStore& files, const std::vector<UncommittedFile>& pending) {
  std::set<std::string> directories;
  for (const UncommittedFile& file : pending) {
    WEIR_RETURN_IF_ERROR(commit_file(files, file));
    directories.insert(parent_directory(file.visible));
  }
  for (const std::string& directory : directories) {
    fault_point("file-sink.before-directory-sync");
    WEIR_RETURN_IF_ERROR(files.sync_directory(directory));
  }
  return Status::ok();
}

Result<bool> copy_valid_part(FileStore& files, const UncommittedFile& source, OutputFile& target) {
  const Result<std::unique_ptr<ReadableFile>> file = files.open(source.hidden);
  if (file.status().code() == StatusCode::kNotFound) {
    const Result<FileInfo> visible = files.stat(source.visible);
    if (visible.is_ok() && visible->size >= source.length) return false;
    if (visible.is_ok() || visible.status().code() == StatusCode::kNotFound) return lost(source);
    return visible.status();
  }
  WEIR_RETURN_IF_ERROR(file.status());
  std::string buffer(std::min<std::uint64_t>(kCopyBytes, source.length), '\0');
  for (std::uint64_t offset = 0; offset < source.length;) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kCopyBytes, source.length - offset));
    WEIR_ASSIGN_OR_RETURN(const std::size_t got, (*file)->read_at(offset, buffer.data(), wanted));
    if (got != wanted) {
      return data_loss("output is damaged: '" + source.hidden + "' ends at byte " +
                       std::to_string(offset + got) + ", a checkpoint says that " +
                       std::to_string(source.length) + " are valid");
    }
    target.append(std::string_view(buffer).substr(0, wanted));
    offset += wanted;
  }
  return true;
}

std::vector<std::string> find_left_overs(FileStore& files, const OutputNames& names) {
  const Result<std::vector<DirectoryEntry>> entries = files.list(names.directory());
  if (!entries.is_ok()) {
    log_warning("cannot look for files that earlier attempts left behind",
                {{"reason", entries.status()}});
    return {};
  }
  std::vector<std::string> found;
  for (const DirectoryEntry& entry : *entries) {
    if (entry.is_directory || !names.is_left_over(entry.name)) continue;
    found.push_back(names.directory() + "/" + entry.name);
  }
  return found;
}

void remove_files(FileStore& files, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const Status removed = files.remove(path);
    if (removed.is_ok() || removed.code() == StatusCode::kNotFound) continue;
    log_warning("cannot remove a file that an earlier attempt left behind", {{"reason", removed}});
  }
}

}  // namespace weir::detail
