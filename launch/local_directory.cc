// SPDX-License-Identifier: Apache-2.0
// A lock tells whether the process that made a folder is alive.
#include "launch/local_directory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <utility>

#include "base/logging.h"

namespace weir {
namespace {

constexpr std::string_view kPrefix = "weir-local-";

std::string or_temporary(std::string parent) {
  if (!parent.empty()) return parent;
  std::error_code error;
  const std::filesystem::path path = std::filesystem::temp_directory_path(error);
  return error ? "/tmp" : path.string();
}

std::string new_name() {
  return fmt::format("{}{}-{:08x}", kPrefix, getpid(), std::random_device()());
}

std::string lock_of(const std::string& directory) { return directory + "/.lock"; }

}  // namespace

LocalDirectory::LocalDirectory(FileStore& files, std::string parent)
    : files_(files), parent_(or_temporary(std::move(parent))), path_(parent_ + "/" + new_name()) {
  remove_abandoned();
}

LocalDirectory::~LocalDirectory() {
  if (lock_ == nullptr) return;
  lock_.reset();
  const Status status = files_.remove_tree(path_);
  if (!status.is_ok()) {
    log_warning("a local folder stays behind until the next start", {{"reason", status}});
  }
}

Status LocalDirectory::make() {
  const std::lock_guard lock(mutex_);
  if (lock_ != nullptr) return Status::ok();
  WEIR_RETURN_IF_ERROR(files_.make_directories(path_).with_context(
      "a folder for state that does not fit into memory (state.backend.rocksdb.localdir)"));
  WEIR_ASSIGN_OR_RETURN(lock_, files_.lock(lock_of(path_)));
  return Status::ok();
}

Result<std::string> LocalDirectory::next_path() {
  WEIR_RETURN_IF_ERROR(make());
  const std::lock_guard lock(mutex_);
  return fmt::format("{}/{}", path_, ++paths_given_);
}

void LocalDirectory::remove_abandoned() const {
  const Result<std::vector<DirectoryEntry>> siblings = files_.list(parent_);
  if (!siblings.is_ok()) return;
  for (const DirectoryEntry& sibling : *siblings) {
    const std::string path = parent_ + "/" + sibling.name;
    if (!sibling.is_directory || !sibling.name.starts_with(kPrefix)) continue;
    // One without a lock file is being made. Whoever holds the lock lives.
    if (!files_.stat(lock_of(path)).is_ok()) continue;
    if (Result<std::unique_ptr<FileLock>> held = files_.lock(lock_of(path)); held.is_ok()) {
      (void)files_.remove_tree(path);
    }
  }
}

}  // namespace weir
