// SPDX-License-Identifier: Apache-2.0
// Folders and patterns, by way of the FileStore.
#include "connectors/files/file_listing.h"

#include <fnmatch.h>

#include <algorithm>
#include <string_view>

namespace weir::detail {
namespace {

bool is_pattern(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

// What is wrong with a path is the user's to mend, and trying again does not help; a medium that
// does not answer may answer later.
Status user_error(const Status& status) {
  if (status.code() == StatusCode::kUnavailable) return status;
  return Status(status.code(), status.message(), ErrorDomain::kUser, RetryHint::kNo);
}

Status nothing_there(std::string message) {
  return Status(StatusCode::kNotFound, std::move(message), ErrorDomain::kUser, RetryHint::kNo);
}

std::string join(const std::string& folder, const std::string& name) {
  if (folder.empty()) return name;
  return folder.back() == '/' ? folder + name : folder + "/" + name;
}

Status add_folder(FileStore& files, const std::string& folder, std::vector<FoundFile>& found) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, files.list(folder));
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory || entry.is_special || entry.name.starts_with('.')) continue;
    found.push_back({join(folder, entry.name), entry.size});
  }
  return Status::ok();
}

// Matches the components of `pattern` from `start` on against what lies in `folder`.
Status match(FileStore& files, const std::string& folder, const std::string& pattern,
             std::size_t start, std::vector<FoundFile>& found) {
  while (start < pattern.size() && pattern[start] == '/') ++start;
  if (start == pattern.size()) return add_folder(files, folder, found);
  const std::size_t slash = std::min(pattern.find('/', start), pattern.size());
  const std::string component = pattern.substr(start, slash - start);
  const bool is_last = slash == pattern.size();
  if (!is_pattern(component)) {
    const std::string next = join(folder, component);
    const Result<FileInfo> info = files.stat(next);
    if (info.status().code() == StatusCode::kNotFound) return Status::ok();
    WEIR_RETURN_IF_ERROR(info.status());
    if (info->is_directory) return match(files, next, pattern, slash, found);
    if (is_last && !info->is_special) found.push_back({next, info->size});
    return Status::ok();
  }
  const Result<std::vector<DirectoryEntry>> entries = files.list(folder.empty() ? "." : folder);
  if (entries.status().code() == StatusCode::kNotFound) return Status::ok();
  WEIR_RETURN_IF_ERROR(entries.status());
  for (const DirectoryEntry& entry : *entries) {
    if (fnmatch(component.c_str(), entry.name.c_str(), FNM_PERIOD) != 0) continue;
    const std::string next = join(folder, entry.name);
    if (entry.is_directory) {
      WEIR_RETURN_IF_ERROR(match(files, next, pattern, slash, found));
    } else if (is_last && !entry.is_special) {
      found.push_back({next, entry.size});
    }
  }
  return Status::ok();
}

Status find(FileStore& files, const std::string& path, std::vector<FoundFile>& found) {
  const Result<FileInfo> info = files.stat(path);
  if (info.is_ok()) {
    if (info->is_directory) {
      WEIR_RETURN_IF_ERROR(add_folder(files, path, found));
      return found.empty() ? nothing_there("no file in folder '" + path + "'") : Status::ok();
    }
    if (info->is_special) {
      return failed_precondition("'" + path + "' is a pipe, a device or a socket, not a file");
    }
    found.push_back({path, info->size});
    return Status::ok();
  }
  if (info.status().code() != StatusCode::kNotFound) return info.status();
  if (!is_pattern(path)) return nothing_there("no such file or folder: '" + path + "'");
  const bool is_absolute = path.starts_with('/');
  WEIR_RETURN_IF_ERROR(match(files, is_absolute ? "/" : "", path, 0, found));
  return found.empty() ? nothing_there("no file matches '" + path + "'") : Status::ok();
}

}  // namespace

Result<std::vector<FoundFile>> find_files(FileStore& files, const std::string& path) {
  std::vector<FoundFile> found;
  if (const Status status = find(files, path, found); !status.is_ok()) return user_error(status);
  std::sort(found.begin(), found.end(),
            [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; });
  return found;
}

}  // namespace weir::detail
