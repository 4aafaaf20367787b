// SPDX-License-Identifier: Apache-2.0
// First everything that is complete says what it needs; then the rest is looked at.
#include "cli/unneeded_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "launch/control_socket.h"
#include "state/snapshot/checkpoint_layout.h"
#include "state/snapshot/checkpoint_storage.h"
#include "state/snapshot/directory_checkpoint_storage.h"

namespace weir::cli {
namespace {

using namespace checkpoint_layout;

// The same file has the same text, however it was named.
std::string real_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  const auto real = std::filesystem::weakly_canonical(absolute, error);
  return error ? absolute.lexically_normal().string() : real.string();
}

bool is_checkpoint(const DirectoryEntry& entry) {
  return entry.is_directory && checkpoint_id_of(entry.name).has_value();
}

}  // namespace

bool UnneededFiles::Folder::has(std::string_view name) const {
  return std::ranges::find(entries, name, &DirectoryEntry::name) != entries.end();
}

Result<UnneededFiles::Folder> UnneededFiles::open(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(std::vector<DirectoryEntry> entries, files_.list(path));
  return Folder{path, std::move(entries)};
}

Status UnneededFiles::find(const std::vector<std::string>& directories) {
  for (std::string path : directories) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    WEIR_RETURN_IF_ERROR(sort_in(path));
  }
  for (const Folder& job : jobs_) WEIR_RETURN_IF_ERROR(look_at_job(job));
  for (const Folder& savepoint : savepoints_) WEIR_RETURN_IF_ERROR(look_at_savepoint(savepoint));
  std::ranges::sort(found_, {}, &UnneededFile::path);
  return Status::ok();
}

// --- what lies where -----------------------------------------------------------------------------

Status UnneededFiles::sort_in(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(Folder folder, open(path));
  const auto is_of_job = [](const Folder& each) {
    return each.has(kLock) || std::ranges::any_of(each.entries, is_checkpoint);
  };
  const auto is_savepoint = [](const Folder& each) {
    const std::string name = each.path.substr(each.path.rfind('/') + 1);
    return each.has(kMetadata) || name.starts_with(kSavepointPrefix);
  };
  if (checkpoint_id_of(path.substr(path.rfind('/') + 1))) {
    return invalid_argument(
        fmt::format("'{}' is a single checkpoint: name the directory of its job", path));
  }
  if (is_of_job(folder)) return sort_in_job(std::move(folder));
  if (is_savepoint(folder)) return sort_in_savepoint(std::move(folder));
  for (const DirectoryEntry& entry : folder.entries) {
    if (!entry.is_directory) continue;
    WEIR_ASSIGN_OR_RETURN(Folder inner, open(join(path, entry.name)));
    if (is_of_job(inner)) {
      WEIR_RETURN_IF_ERROR(sort_in_job(std::move(inner)));
    } else if (is_savepoint(inner)) {
      WEIR_RETURN_IF_ERROR(sort_in_savepoint(std::move(inner)));
    }
  }
  return Status::ok();
}

Status UnneededFiles::sort_in_job(Folder folder) {
  if (!seen_.insert(real_path(folder.path)).second) return Status::ok();
  Owner owner = Owner::kNobody;
  if (folder.has(kLock) || locks_ == Locks::kHeld) {
    WEIR_ASSIGN_OR_RETURN(owner, take_lock(join(folder.path, kLock)));
  }
  // What is complete, oldest first. Of a job that runs, this changes all the time.
  WEIR_ASSIGN_OR_RETURN(folder, open(folder.path));
  std::vector<CheckpointId> complete;
  for (const DirectoryEntry& entry : folder.entries) {
    if (!is_checkpoint(entry)) continue;
    const Result<FileInfo> info = files_.stat(join(join(folder.path, entry.name), kMetadata));
    if (info.is_ok()) complete.push_back(*checkpoint_id_of(entry.name));
    if (!info.is_ok() && info.status().code() != StatusCode::kNotFound) return info.status();
  }
  std::ranges::sort(complete);
  for (std::size_t i = 0; i < complete.size(); ++i) {
    const std::string path = checkpoint_directory(folder.path, complete[i]);
    const bool is_old = retained_ && i + std::max(*retained_, 1U) < complete.size();
    if (is_old && owner == Owner::kNobody) {
      superfluous_.insert(path);
    } else {
      WEIR_RETURN_IF_ERROR(remember_needed(path, owner));
    }
  }
  if (folder.has("savepoints")) {
    WEIR_RETURN_IF_ERROR(sort_in(join(folder.path, "savepoints")));
  }
  if (owner == Owner::kNobody) {
    jobs_.push_back(std::move(folder));
  } else {
    left_alone_.push_back(folder.path + ": its job runs");
  }
  return Status::ok();
}

Status UnneededFiles::sort_in_savepoint(Folder folder) {
  if (!seen_.insert(real_path(folder.path)).second) return Status::ok();
  if (folder.has(kMetadata)) {
    WEIR_RETURN_IF_ERROR(remember_needed(folder.path, Owner::kNobody));
  }
  if (folder.has(kBegun)) {
    WEIR_ASSIGN_OR_RETURN(const Owner owner, take_lock(join(folder.path, kBegun)));
    if (owner == Owner::kSomebody) {
      left_alone_.push_back(folder.path + ": a running job is taking it");
      return Status::ok();
    }
  } else if (!folder.has(kMetadata)) {
    left_alone_.push_back(folder.path +
                          ": it has no _metadata, and nothing tells whether a job is taking it");
    return Status::ok();
  }
  // It may have been completed in between.
  WEIR_ASSIGN_OR_RETURN(Folder now, open(folder.path));
  if (now.has(kMetadata) && !folder.has(kMetadata)) {
    WEIR_RETURN_IF_ERROR(remember_needed(now.path, Owner::kNobody));
  }
  savepoints_.push_back(std::move(now));
  return Status::ok();
}

Result<UnneededFiles::Owner> UnneededFiles::take_lock(const std::string& path) {
  Result<std::unique_ptr<FileLock>> lock = files_.lock(path);
  if (lock.status().code() == StatusCode::kFailedPrecondition) return Owner::kSomebody;
  WEIR_RETURN_IF_ERROR(lock.status());
  if (locks_ == Locks::kHeld) held_.push_back(std::move(lock).value());
  return Owner::kNobody;
}

Status UnneededFiles::remember_needed(const std::string& directory, Owner owner) {
  const Result<CheckpointMetadata> metadata = read_checkpoint_metadata(files_, directory);
  // A job that runs may have deleted it since.
  const bool is_gone = metadata.status().code() == StatusCode::kNotFound;
  if (is_gone && owner == Owner::kSomebody) return Status::ok();
  if (!metadata.is_ok()) {
    return metadata.status().with_context("what '" + directory + "' needs is not known");
  }
  return for_each_file(*metadata, [this](const StateFile& file) {
    needed_.insert(real_path(file.path));
    return Status::ok();
  });
}

// --- what of it is not needed --------------------------------------------------------------------

Status UnneededFiles::look_at_job(const Folder& job) {
  std::optional<CheckpointId> newest;
  for (const DirectoryEntry& entry : job.entries) {
    if (is_checkpoint(entry)) newest = std::max(newest, checkpoint_id_of(entry.name));
  }
  for (const DirectoryEntry& entry : job.entries) {
    if (!is_checkpoint(entry)) continue;
    WEIR_ASSIGN_OR_RETURN(const Folder checkpoint, open(join(job.path, entry.name)));
    const bool is_newest = checkpoint_id_of(entry.name) == newest;
    WEIR_RETURN_IF_ERROR(look_at_checkpoint(checkpoint, is_newest));
  }
  if (job.has("runs")) {
    WEIR_ASSIGN_OR_RETURN(const Folder runs, open(run_directory(job.path)));
    for (const DirectoryEntry& run : runs.entries) {
      if (run.is_directory || !checkpoint_id_of_run(run.name)) continue;
      WEIR_RETURN_IF_ERROR(
          add(join(runs.path, run.name), "a run that no completed checkpoint refers to"));
    }
  }
  const auto is_socket = [](const DirectoryEntry& entry) {
    return entry.name == kControlSocket && entry.is_special;
  };
  if (std::ranges::any_of(job.entries, is_socket)) {
    WEIR_RETURN_IF_ERROR(
        add(join(job.path, kControlSocket), "the control socket of a job that is gone"));
  }
  return Status::ok();
}

Status UnneededFiles::look_at_checkpoint(const Folder& checkpoint, bool is_newest) {
  if (superfluous_.contains(checkpoint.path)) {
    return add(checkpoint.path, "a checkpoint that newer ones make superfluous");
  }
  const bool is_complete = checkpoint.has(kMetadata);
  if (!is_complete && !is_newest) {
    return add(checkpoint.path, "a checkpoint that was never completed");
  }
  // The newest one holds the highest id ever used, so that it is not used again (C1).
  for (const DirectoryEntry& entry : checkpoint.entries) {
    if (entry.name == kBegun || entry.name == kMetadata) continue;
    const bool is_aside = entry.name.starts_with(kMetadataAside);
    WEIR_RETURN_IF_ERROR(add(join(checkpoint.path, entry.name),
                             is_aside      ? "metadata that was never published"
                             : is_complete ? "no part of its checkpoint"
                                           : "of a checkpoint that was never completed"));
  }
  return Status::ok();
}

// What else lies in a complete one is its user's.
Status UnneededFiles::look_at_savepoint(const Folder& savepoint) {
  if (!savepoint.has(kMetadata)) {
    return add(savepoint.path, "a savepoint that was never completed");
  }
  for (const DirectoryEntry& entry : savepoint.entries) {
    if (entry.name == kBegun || entry.name.starts_with(kMetadataAside)) {
      WEIR_RETURN_IF_ERROR(add(join(savepoint.path, entry.name), "left of taking the savepoint"));
    }
  }
  return Status::ok();
}

Status UnneededFiles::add(const std::string& path, const std::string& reason) {
  WEIR_ASSIGN_OR_RETURN(const Content content, content_of(path));
  if (!content.is_needed) {
    found_.push_back({path, content.bytes, reason});
    return Status::ok();
  }
  if (!content.is_directory) return Status::ok();
  WEIR_ASSIGN_OR_RETURN(const Folder folder, open(path));
  for (const DirectoryEntry& entry : folder.entries) {
    WEIR_RETURN_IF_ERROR(add(join(path, entry.name), reason));
  }
  return Status::ok();
}

Result<UnneededFiles::Content> UnneededFiles::content_of(const std::string& path) {
  // A link is deleted, and what it leads to is not.
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) return Content{.is_needed = is_needed(path)};
  WEIR_ASSIGN_OR_RETURN(const FileInfo info, files_.stat(path));
  if (!info.is_directory) return Content{info.size, is_needed(path), false};
  Content content{.is_directory = true};
  WEIR_ASSIGN_OR_RETURN(const Folder folder, open(path));
  for (const DirectoryEntry& entry : folder.entries) {
    WEIR_ASSIGN_OR_RETURN(const Content inner, content_of(join(path, entry.name)));
    content.bytes += inner.bytes;
    content.is_needed = content.is_needed || inner.is_needed;
  }
  return content;
}

bool UnneededFiles::is_needed(const std::string& path) const {
  return needed_.contains(real_path(path));
}

}  // namespace weir::cli
