// SPDX-License-Identifier: Apache-2.0
// Checkpoints in a directory: the order of writes, syncs and renames is what makes them safe.
#include "state/snapshot/directory_checkpoint_storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/crc32c.h"
#include "base/fault_point.h"
#include "core/mutants.h"

namespace weir {
namespace {

constexpr std::string_view kPrefix = "chk-";
constexpr std::string_view kMetadata = "_metadata";
// Made exclusively: who makes it has the checkpoint's directory.
constexpr std::string_view kBegun = "_begun";
// How a path in metadata begins that lies in the checkpoint's own directory, wherever that is.
constexpr std::string_view kOwnDirectory = "<checkpoint>/";

std::string directory_of(const std::string& directory, CheckpointId checkpoint) {
  return fmt::format("{}/{}{}", directory, kPrefix, checkpoint.value());
}

std::string join(const std::string& directory, std::string_view name) {
  return fmt::format("{}/{}", directory, name);
}

std::optional<CheckpointId> id_of(std::string_view name) {
  std::uint64_t id = 0;
  if (!name.starts_with(kPrefix)) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(kPrefix.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.starts_with("0")) {
    return std::nullopt;
  }
  return CheckpointId{id};
}

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

template <class F>
void for_each_path(CheckpointMetadata& metadata, F&& f) {
  for (OperatorCheckpoint& checkpoint : metadata.operators) {
    for (StateHandle& handle : checkpoint.subtasks) {
      if (!handle.is_inline()) {
        f(handle.path);
      }
    }
  }
}

// The metadata as it is stored: it can be moved with its directory.
std::string encode_relocatable(CheckpointMetadata metadata, const std::string& directory) {
  for_each_path(metadata, [own = directory + "/"](std::string& path) {
    if (path.starts_with(own)) {
      path = std::string(kOwnDirectory) + path.substr(own.size());
    }
  });
  return encode_checkpoint_metadata(metadata);
}

// Makes sure that a checkpoint that can be read can also be restored.
Status check_files(FileStore& files, const CheckpointMetadata& metadata) {
  for (const OperatorCheckpoint& checkpoint : metadata.operators) {
    for (const StateHandle& handle : checkpoint.subtasks) {
      if (handle.is_inline()) {
        continue;
      }
      const Result<FileInfo> info = files.stat(handle.path);
      if (info.status().code() == StatusCode::kNotFound) {
        return data_loss("a snapshot file of the checkpoint is missing: " +
                         info.status().message());
      }
      WEIR_RETURN_IF_ERROR(info.status());
      if (info->size != handle.size) {
        return data_loss(fmt::format(
            "snapshot file '{}' has another size than was recorded: bytes={} recorded={}",
            handle.path, info->size, handle.size));
      }
    }
  }
  return Status::ok();
}

Result<bool> exists(FileStore& files, const std::string& path) {
  const Result<FileInfo> info = files.stat(path);
  if (info.status().code() == StatusCode::kNotFound) {
    return false;
  }
  WEIR_RETURN_IF_ERROR(info.status());
  return true;
}

Status remove_if_there(FileStore& files, const std::string& path) {
  const Status status = files.remove(path);
  return status.code() == StatusCode::kNotFound ? Status::ok() : status;
}

// Buffers small states, which become inline; writes others in large pieces.
class DirectorySnapshotFile final : public SnapshotFile {
 public:
  DirectorySnapshotFile(FileStore& files, std::string path)
      : files_(files), path_(std::move(path)) {}
  ~DirectorySnapshotFile() override {
    if (file_ != nullptr) {
      file_.reset();
      (void)files_.remove(path_);  // what stays is deleted with the checkpoint
    }
  }

  Status append(ByteView bytes) override {
    checksum_ = crc32c(bytes, checksum_);
    size_ += bytes.size();
    buffer_.append(bytes);
    return buffer_.size() >= kWriteBytes ? flush() : Status::ok();
  }
  std::uint64_t size() const override { return size_; }

  Result<StateHandle> finish() override {
    if (size_ < kInlineStateBytes) {
      return StateHandle{
          .path = "", .inline_bytes = std::move(buffer_), .size = size_, .checksum = checksum_};
    }
    WEIR_RETURN_IF_ERROR(flush());
    fault_point("snapshot-written");
    WEIR_RETURN_IF_ERROR(file_->sync());
    WEIR_RETURN_IF_ERROR(file_->close());
    WEIR_RETURN_IF_ERROR(files_.sync_directory(parent_directory(path_)));
    fault_point("snapshot-synced");
    file_.reset();
    return StateHandle{.path = path_, .inline_bytes = "", .size = size_, .checksum = checksum_};
  }

 private:
  static constexpr std::size_t kWriteBytes = std::size_t{256} * 1024;
  static_assert(kWriteBytes >= kInlineStateBytes);

  Status flush() {
    if (file_ == nullptr) {
      WEIR_ASSIGN_OR_RETURN(file_, files_.create(path_, CreateMode::kExclusive));
    }
    WEIR_RETURN_IF_ERROR(file_->append(buffer_));
    buffer_.clear();
    return Status::ok();
  }

  FileStore& files_;
  const std::string path_;
  std::string buffer_;
  std::unique_ptr<WritableFile> file_;  // null while all is in the buffer
  std::uint64_t size_ = 0;
  std::uint32_t checksum_ = 0;
};

class DirectoryCheckpointWriter final : public CheckpointWriter {
 public:
  DirectoryCheckpointWriter(FileStore& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  Result<std::unique_ptr<SnapshotFile>> create(const std::string& name) override {
    return std::unique_ptr<SnapshotFile>(
        std::make_unique<DirectorySnapshotFile>(files_, join(directory_, file_name_of(name))));
  }

 private:
  FileStore& files_;
  const std::string directory_;
};

}  // namespace

Result<std::unique_ptr<DirectoryCheckpointStorage>> DirectoryCheckpointStorage::open(
    FileStore& files, const std::string& root, const std::string& job_name) {
  std::string directory = join(root, file_name_of(job_name));
  WEIR_RETURN_IF_ERROR(make_durable_directories(files, directory));
  Result<std::unique_ptr<FileLock>> lock = files.lock(join(directory, ".lock"));
  if (lock.status().code() == StatusCode::kFailedPrecondition) {
    return lock.status().with_context("checkpoint directory '" + directory +
                                      "' is used by another run of the job");
  }
  WEIR_RETURN_IF_ERROR(lock.status());
  std::unique_ptr<DirectoryCheckpointStorage> storage(
      new DirectoryCheckpointStorage(files, std::move(directory), std::move(lock).value()));
  WEIR_RETURN_IF_ERROR(storage->discard_unpublished());
  return storage;
}

std::string DirectoryCheckpointStorage::path_of(CheckpointId checkpoint) const {
  return directory_of(directory_, checkpoint);
}

Status DirectoryCheckpointStorage::begin(CheckpointId checkpoint) {
  const std::string path = path_of(checkpoint);
  WEIR_ASSIGN_OR_RETURN(const bool is_there, exists(files_, path));
  if (is_there) {
    return already_exists("checkpoint directory '" + path + "' is there already");
  }
  WEIR_RETURN_IF_ERROR(files_.make_directories(path));
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> begun,
                        files_.create(join(path, kBegun), CreateMode::kExclusive));
  WEIR_RETURN_IF_ERROR(begun->close());
  WEIR_RETURN_IF_ERROR(files_.sync_directory(path));
  WEIR_RETURN_IF_ERROR(files_.sync_directory(directory_));

  const std::lock_guard lock(mutex_);
  if (emptied_ && emptied_->value() < checkpoint.value()) {
    WEIR_RETURN_IF_ERROR(files_.remove_tree(path_of(*emptied_)));
    emptied_.reset();
  }
  return Status::ok();
}

std::unique_ptr<CheckpointWriter> DirectoryCheckpointStorage::writer(CheckpointId checkpoint) {
  return open_checkpoint_writer(files_, directory_, checkpoint);
}

Status DirectoryCheckpointStorage::publish(const CheckpointMetadata& metadata) {
  return publish_in(metadata, path_of(metadata.id));
}

Status DirectoryCheckpointStorage::publish_in(const CheckpointMetadata& metadata,
                                              const std::string& path) {
  const std::string final_path = join(path, kMetadata);
  const std::string temporary = fmt::format("{}.tmp-{}", final_path, metadata.attempt.value());
  const bool is_mutant = WEIR_MUTANT(B15);
  // Until the rename it is surely not published, and errors say what they say.
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                        files_.create(is_mutant ? final_path : temporary, CreateMode::kTruncate));
  WEIR_RETURN_IF_ERROR(file->append(encode_relocatable(metadata, path)));
  if (is_mutant) {
    return Status::ok();
  }
  fault_point("metadata-written");
  WEIR_RETURN_IF_ERROR(file->sync());
  WEIR_RETURN_IF_ERROR(file->close());
  fault_point("metadata-synced");
  // From here on only `read_back` knows.
  Status status = files_.rename_new(temporary, final_path);
  fault_point("metadata-renamed");
  if (status.is_ok()) {
    status = files_.sync_directory(path);
  }
  return status.is_ok() ? status : unavailable("checkpoint may be published: " + status.message());
}

Result<bool> DirectoryCheckpointStorage::is_published(CheckpointId checkpoint) {
  return exists(files_, join(path_of(checkpoint), kMetadata));
}

Result<bool> DirectoryCheckpointStorage::read_back(CheckpointId checkpoint) {
  WEIR_ASSIGN_OR_RETURN(const bool is_there, is_published(checkpoint));
  if (!is_there) {
    return false;
  }
  WEIR_RETURN_IF_ERROR(read(path_of(checkpoint)).status());
  return true;
}

Result<std::vector<CheckpointId>> DirectoryCheckpointStorage::all_ids() {
  WEIR_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, files_.list(directory_));
  std::vector<CheckpointId> ids;
  for (const DirectoryEntry& entry : entries) {
    if (const auto id = id_of(entry.name); id && entry.is_directory) {
      ids.push_back(*id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<std::vector<StoredCheckpoint>> DirectoryCheckpointStorage::list() {
  WEIR_ASSIGN_OR_RETURN(const std::vector<CheckpointId> ids, all_ids());
  std::vector<StoredCheckpoint> stored;
  for (const CheckpointId id : ids) {
    WEIR_ASSIGN_OR_RETURN(const bool is_complete, is_published(id));
    if (is_complete) {
      stored.push_back({id, path_of(id)});
    }
  }
  return stored;
}

Result<CheckpointMetadata> DirectoryCheckpointStorage::read(const std::string& path) {
  std::string directory = path;
  while (directory.size() > 1 && directory.ends_with('/')) {
    directory.pop_back();
  }
  WEIR_ASSIGN_OR_RETURN(const FileInfo info, files_.stat(directory));
  if (!info.is_directory) {
    directory = parent_directory(directory);
  }
  const std::string file = info.is_directory ? join(directory, kMetadata) : path;
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, read_file(files_, file));
  Result<CheckpointMetadata> metadata = decode_checkpoint_metadata(bytes);
  if (!metadata.is_ok()) {
    return metadata.status().with_context("checkpoint metadata '" + file + "'");
  }
  const std::optional<CheckpointId> id = id_of(last_component(directory));
  if (id && *id != metadata->id) {
    return data_loss(fmt::format("checkpoint metadata '{}' is that of another checkpoint: id={}",
                                 file, metadata->id.value()));
  }
  for_each_path(*metadata, [&directory](std::string& stored) {
    if (stored.starts_with(kOwnDirectory)) {
      stored = join(directory, stored.substr(kOwnDirectory.size()));
    }
  });
  WEIR_RETURN_IF_ERROR(
      check_files(files_, *metadata).with_context("checkpoint '" + directory + "'"));
  // Seen is not durable: whoever published it may have died before its sync.
  if (parent_directory(directory) == directory_) {
    WEIR_RETURN_IF_ERROR(files_.sync_directory(directory));
  }
  return metadata;
}

Status DirectoryCheckpointStorage::discard(CheckpointId checkpoint) {
  const std::string path = path_of(checkpoint);
  WEIR_ASSIGN_OR_RETURN(const std::vector<CheckpointId> ids, all_ids());
  if (std::find(ids.begin(), ids.end(), checkpoint) == ids.end()) {
    return Status::ok();
  }
  WEIR_RETURN_IF_ERROR(remove_if_there(files_, join(path, kMetadata)));
  WEIR_RETURN_IF_ERROR(files_.sync_directory(path));
  if (checkpoint != ids.back()) {
    WEIR_RETURN_IF_ERROR(files_.remove_tree(path));
    return files_.sync_directory(directory_);
  }
  WEIR_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, files_.list(path));
  for (const DirectoryEntry& entry : entries) {
    if (entry.name != kBegun) {
      WEIR_RETURN_IF_ERROR(files_.remove_tree(join(path, entry.name)));
    }
  }
  const std::lock_guard lock(mutex_);
  emptied_ = checkpoint;
  return Status::ok();
}

Status DirectoryCheckpointStorage::begin_savepoint(const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const bool is_there, exists(files_, directory));
  if (is_there) {
    return already_exists("savepoint directory '" + directory + "' is there already");
  }
  return make_durable_directories(files_, directory);
}

Status DirectoryCheckpointStorage::publish_savepoint(const CheckpointMetadata& metadata,
                                                     const std::string& directory) {
  return publish_in(metadata, directory);
}

Result<bool> DirectoryCheckpointStorage::read_back_savepoint(const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const bool is_there, exists(files_, join(directory, kMetadata)));
  if (!is_there) {
    return false;
  }
  WEIR_RETURN_IF_ERROR(read(directory).status());
  WEIR_RETURN_IF_ERROR(files_.sync_directory(directory));  // what is seen is not durable yet
  return true;
}

Status DirectoryCheckpointStorage::discard_savepoint(const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const bool is_there, exists(files_, directory));
  if (!is_there) {
    return Status::ok();
  }
  WEIR_RETURN_IF_ERROR(remove_if_there(files_, join(directory, kMetadata)));
  WEIR_RETURN_IF_ERROR(files_.sync_directory(directory));
  WEIR_RETURN_IF_ERROR(files_.remove_tree(directory));
  return files_.sync_directory(parent_directory(directory));
}

Result<CheckpointId> DirectoryCheckpointStorage::highest_id() {
  WEIR_ASSIGN_OR_RETURN(const std::vector<CheckpointId> ids, all_ids());
  return ids.empty() ? CheckpointId{0} : ids.back();
}

Status DirectoryCheckpointStorage::discard_unpublished() {
  WEIR_ASSIGN_OR_RETURN(const std::vector<CheckpointId> ids, all_ids());
  for (const CheckpointId id : ids) {
    WEIR_ASSIGN_OR_RETURN(const bool is_complete, is_published(id));
    if (!is_complete) {
      WEIR_RETURN_IF_ERROR(discard(id));
    }
  }
  return Status::ok();
}

std::unique_ptr<CheckpointWriter> open_checkpoint_writer(FileStore& files,
                                                         const std::string& directory,
                                                         CheckpointId checkpoint) {
  return std::make_unique<DirectoryCheckpointWriter>(files, directory_of(directory, checkpoint));
}

std::unique_ptr<CheckpointWriter> open_checkpoint_writer(FileStore& files,
                                                         const std::string& directory,
                                                         const CheckpointBarrier& barrier) {
  if (barrier.savepoint_directory.empty()) {
    return open_checkpoint_writer(files, directory, barrier.id);
  }
  return std::make_unique<DirectoryCheckpointWriter>(files, barrier.savepoint_directory);
}

}  // namespace weir
