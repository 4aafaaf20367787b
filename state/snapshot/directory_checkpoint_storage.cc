// SPDX-License-Identifier: Apache-2.0
// Checkpoints in a directory: the order of writes, syncs and renames is what makes them safe.
#include "state/snapshot/directory_checkpoint_storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/crc32c.h"
#include "base/fault_point.h"
#include "base/logging.h"
#include "core/mutants.h"
#include "state/snapshot/checkpoint_layout.h"

namespace weir {

using namespace checkpoint_layout;  // names of files

namespace {

// How a path in metadata begins that lies in the checkpoint's own directory, wherever that is.
constexpr std::string_view kOwnDirectory = "<checkpoint>/";
// The same for the directory in which the checkpoints of the job lie.
constexpr std::string_view kJobDirectory = "<job>/";

std::string_view last_component(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// Writes `to` in the place of `from` where a path begins with it.
void replace_start(std::string& path, std::string_view from, std::string_view to) {
  if (path.starts_with(from)) {
    path = std::string(to) + path.substr(from.size());
  }
}

// The metadata as it is stored: it can be moved with its directory.
std::string encode_relocatable(CheckpointMetadata metadata, const std::string& directory) {
  (void)for_each_file(metadata, [&directory](StateFile& file) {
    replace_start(file.path, directory + "/", kOwnDirectory);
    replace_start(file.path, parent_directory(directory) + "/", kJobDirectory);
    return Status::ok();
  });
  return encode_checkpoint_metadata(metadata);
}

// Makes sure that a checkpoint that can be read can also be restored.
Status check_files(FileStore& files, const CheckpointMetadata& metadata) {
  return for_each_file(metadata, [&files](const StateFile& file) -> Status {
    const Result<FileInfo> info = files.stat(file.path);
    if (info.status().code() == StatusCode::kNotFound) {
      return data_loss("a snapshot file of the checkpoint is missing: " + info.status().message());
    }
    WEIR_RETURN_IF_ERROR(info.status());
    if (info->size != file.size) {
      return data_loss(
          fmt::format("snapshot file '{}' has another size than was recorded: bytes={} recorded={}",
                      file.path, info->size, file.size));
    }
    return Status::ok();
  });
}

// Where a checkpoint lies.
struct Place {
  std::string directory;
  std::string metadata;
};

// `path` is that of its directory or of its metadata.
Result<Place> find_place(FileStore& files, const std::string& path) {
  std::string directory = path;
  while (directory.size() > 1 && directory.ends_with('/')) {
    directory.pop_back();
  }
  WEIR_ASSIGN_OR_RETURN(const FileInfo info, files.stat(directory));
  if (!info.is_directory) {
    return Place{parent_directory(directory), path};
  }
  std::string metadata = join(directory, kMetadata);
  return Place{std::move(directory), std::move(metadata)};
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

// Unpublishes what lies in a directory. What could still become its metadata goes first: a rename
// that was reported as failed may happen late, when files that it names are deleted already.
Status remove_metadata(FileStore& files, const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, files.list(directory));
  for (const DirectoryEntry& entry : entries) {
    if (entry.name.starts_with(kMetadata) && entry.name != kMetadata) {
      WEIR_RETURN_IF_ERROR(remove_if_there(files, join(directory, entry.name)));
    }
  }
  WEIR_RETURN_IF_ERROR(remove_if_there(files, join(directory, kMetadata)));
  return files.sync_directory(directory);
}

// Buffers small states, which become inline; writes others in large pieces.
class DirectorySnapshotFile final : public SnapshotFile {
 public:
  DirectorySnapshotFile(FileStore& files, std::string path, std::size_t inline_bytes)
      : files_(files), path_(std::move(path)), inline_bytes_(inline_bytes) {}
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
    if (size_ < inline_bytes_) {
      return StateHandle{{"", std::move(buffer_), size_, checksum_}, {}};
    }
    WEIR_RETURN_IF_ERROR(flush());
    fault_point("snapshot-written");
    WEIR_RETURN_IF_ERROR(file_->sync());
    WEIR_RETURN_IF_ERROR(file_->close());
    WEIR_RETURN_IF_ERROR(files_.sync_directory(parent_directory(path_)));
    fault_point("snapshot-synced");
    file_.reset();
    return StateHandle{{path_, "", size_, checksum_}, {}};
  }

 private:
  static constexpr std::size_t kWriteBytes = std::size_t{256} * 1024;
  static_assert(kWriteBytes >= kInlineStateBytes);

  Status flush() {
    if (file_ == nullptr) {
      Result<std::unique_ptr<WritableFile>> file = files_.create(path_, CreateMode::kExclusive);
      if (WEIR_MUTANT(B20) && file.status().code() == StatusCode::kAlreadyExists) {
        keep_duplicate();
        file = files_.create(path_, CreateMode::kAppend);
      }
      WEIR_ASSIGN_OR_RETURN(file_, std::move(file));
    }
    WEIR_RETURN_IF_ERROR(file_->append(buffer_));
    buffer_.clear();
    return Status::ok();
  }

  // B20: what is there under the name is taken for what is to be written.
  void keep_duplicate() {
    const Result<std::string> there = read_file(files_, path_);
    if (!there.is_ok()) return;
    buffer_.clear();
    size_ = there->size();
    checksum_ = crc32c(*there);
  }

  FileStore& files_;
  const std::string path_;
  const std::size_t inline_bytes_;  // at most kWriteBytes
  std::string buffer_;
  std::unique_ptr<WritableFile> file_;  // null while all is in the buffer
  std::uint64_t size_ = 0;
  std::uint32_t checksum_ = 0;
};

class DirectoryCheckpointWriter final : public CheckpointWriter {
 public:
  DirectoryCheckpointWriter(FileStore& files, std::string directory, std::string job_directory,
                            CheckpointId checkpoint, std::size_t inline_bytes)
      : files_(files),
        directory_(std::move(directory)),
        job_directory_(std::move(job_directory)),
        checkpoint_(checkpoint),
        inline_bytes_(inline_bytes) {}
  Result<std::unique_ptr<SnapshotFile>> create(const std::string& name) override {
    return file(join(directory_, file_name_of(name)));
  }
  Result<std::unique_ptr<SnapshotFile>> create_run(const std::string& name) override {
    // B20: the runs that a subtask writes for one checkpoint have one name.
    const std::string own = WEIR_MUTANT(B20) ? name.substr(0, name.rfind('-')) : name;
    return file(fmt::format("{}/{}-{}", run_directory(job_directory_), checkpoint_.value(),
                            file_name_of(own)));
  }

 private:
  std::unique_ptr<SnapshotFile> file(std::string path) {
    return std::make_unique<DirectorySnapshotFile>(files_, std::move(path), inline_bytes_);
  }

  FileStore& files_;
  const std::string directory_;
  const std::string job_directory_;
  const CheckpointId checkpoint_;
  const std::size_t inline_bytes_;
};

}  // namespace

Result<std::unique_ptr<DirectoryCheckpointStorage>> DirectoryCheckpointStorage::open(
    FileStore& files, const std::string& root, const std::string& job_name) {
  std::string directory = join(root, file_name_of(job_name));
  WEIR_RETURN_IF_ERROR(make_durable_directories(files, run_directory(directory)));
  Result<std::unique_ptr<FileLock>> lock = files.lock(join(directory, kLock));
  if (lock.status().code() == StatusCode::kFailedPrecondition) {
    return lock.status().with_context("checkpoint directory '" + directory +
                                      "' is used by another run of the job");
  }
  WEIR_RETURN_IF_ERROR(lock.status());
  std::unique_ptr<DirectoryCheckpointStorage> storage(
      new DirectoryCheckpointStorage(files, std::move(directory), std::move(lock).value()));
  WEIR_RETURN_IF_ERROR(storage->discard_unpublished());
  // What is left over stays until a checkpoint is complete again: it may be what an unreadable one
  // refers to.
  (void)storage->discard_unused_runs();
  return storage;
}

Result<std::unique_ptr<DirectoryCheckpointStorage>> DirectoryCheckpointStorage::open_idle(
    FileStore& files, const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const bool is_of_job, exists(files, join(directory, kLock)));
  if (!is_of_job) return nullptr;
  Result<std::unique_ptr<FileLock>> lock = files.lock(join(directory, kLock));
  if (!lock.is_ok()) return nullptr;
  return std::unique_ptr<DirectoryCheckpointStorage>(
      new DirectoryCheckpointStorage(files, directory, std::move(lock).value()));
}

std::string DirectoryCheckpointStorage::path_of(CheckpointId checkpoint) const {
  return checkpoint_directory(directory_, checkpoint);
}

Status DirectoryCheckpointStorage::begin(CheckpointId checkpoint) {
  return begin_with(checkpoint, "");
}

Status DirectoryCheckpointStorage::begin_with(CheckpointId checkpoint, const std::string& note) {
  const std::string path = path_of(checkpoint);
  WEIR_ASSIGN_OR_RETURN(const bool is_there, exists(files_, path));
  if (is_there) {
    return already_exists("checkpoint directory '" + path + "' is there already");
  }
  WEIR_RETURN_IF_ERROR(files_.make_directories(path));
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> begun,
                        files_.create(join(path, kBegun), CreateMode::kExclusive));
  if (!note.empty()) {
    WEIR_RETURN_IF_ERROR(begun->append(note));
    WEIR_RETURN_IF_ERROR(begun->sync());
  }
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
  const std::string temporary =
      fmt::format("{}/{}{}", path, kMetadataAside, metadata.attempt.value());
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
    if (const auto id = checkpoint_id_of(entry.name); id && entry.is_directory) {
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
  WEIR_ASSIGN_OR_RETURN(const Place place, find_place(files_, path));
  const std::string& directory = place.directory;
  WEIR_ASSIGN_OR_RETURN(CheckpointMetadata metadata, read_checkpoint_metadata(files_, path));
  WEIR_RETURN_IF_ERROR(
      check_files(files_, metadata).with_context("checkpoint metadata '" + place.metadata + "'"));
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
  WEIR_RETURN_IF_ERROR(remove_metadata(files_, path));
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

Status DirectoryCheckpointStorage::discard_unused_runs() { return discard_runs(InFlight::kMaybe); }

Status DirectoryCheckpointStorage::discard_runs(InFlight in_flight) {
  const std::string directory = run_directory(directory_);
  WEIR_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> runs, files_.list(directory));
  if (runs.empty()) {
    return Status::ok();
  }
  WEIR_ASSIGN_OR_RETURN(const std::vector<StoredCheckpoint> stored, list());
  std::set<std::string> used;
  for (const StoredCheckpoint& checkpoint : stored) {
    if (WEIR_MUTANT(B22) && checkpoint.id != stored.back().id) continue;
    WEIR_ASSIGN_OR_RETURN(const CheckpointMetadata metadata, read(checkpoint.path));
    (void)for_each_file(metadata, [&used](const StateFile& file) {
      used.insert(file.path);
      return Status::ok();
    });
  }
  for (const DirectoryEntry& run : runs) {
    const std::optional<CheckpointId> begun_for = checkpoint_id_of_run(run.name);
    // A later one may be part of the checkpoint that is being taken now.
    const bool is_old =
        !stored.empty() && begun_for && (*begun_for <= stored.back().id || WEIR_MUTANT(B18));
    if ((is_old || (begun_for && in_flight == InFlight::kNone)) &&
        !used.contains(join(directory, run.name))) {
      WEIR_RETURN_IF_ERROR(remove_if_there(files_, join(directory, run.name)));
    }
  }
  return Status::ok();
}

Status DirectoryCheckpointStorage::begin_savepoint(CheckpointId checkpoint,
                                                   const std::string& directory) {
  // The note first: whatever ends this process from here on, the next run finds the savepoint.
  WEIR_RETURN_IF_ERROR(begin_with(checkpoint, directory + "\n"));
  const auto make = [&]() -> Status {
    WEIR_ASSIGN_OR_RETURN(const bool is_there, exists(files_, directory));
    if (is_there) {
      return already_exists("savepoint directory '" + directory + "' is there already");
    }
    const Status made = make_durable_directories(files_, directory);
    const Status locked = made.is_ok() ? lock_savepoint(directory) : made;
    if (!locked.is_ok()) (void)files_.remove_tree(directory);
    return locked;
  };
  const Status made = make();
  if (!made.is_ok()) (void)discard(checkpoint);
  return made;
}

// Where there are no locks, nothing stands for one: then nobody but the next run clears it up.
Status DirectoryCheckpointStorage::lock_savepoint(const std::string& directory) {
  Result<std::unique_ptr<FileLock>> taken = files_.lock(join(directory, kBegun));
  if (taken.status().code() == StatusCode::kFailedPrecondition) return taken.status();
  if (!taken.is_ok()) return remove_if_there(files_, join(directory, kBegun));
  const std::lock_guard lock(mutex_);
  savepoint_locks_[directory] = std::move(taken).value();
  return Status::ok();
}

void DirectoryCheckpointStorage::unlock_savepoint(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  if (savepoint_locks_.erase(directory) > 0) {
    (void)files_.remove(join(directory, kBegun));  // what stays is in nobody's way
  }
}

Status DirectoryCheckpointStorage::publish_savepoint(const CheckpointMetadata& metadata,
                                                     const std::string& directory) {
  WEIR_RETURN_IF_ERROR(publish_in(metadata, directory));
  unlock_savepoint(directory);
  return Status::ok();
}

Result<bool> DirectoryCheckpointStorage::read_back_savepoint(const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const bool is_there, exists(files_, join(directory, kMetadata)));
  if (!is_there) {
    return false;
  }
  WEIR_RETURN_IF_ERROR(read(directory).status());
  WEIR_RETURN_IF_ERROR(files_.sync_directory(directory));  // what is seen is not durable yet
  unlock_savepoint(directory);
  return true;
}

Status DirectoryCheckpointStorage::discard_savepoint(const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const bool is_there, exists(files_, directory));
  if (!is_there) {
    return Status::ok();
  }
  const std::optional<CheckpointId> id = checkpoint_id_of(last_component(directory));
  const std::string job_directory = parent_directory(directory);
  if (id && job_directory != directory_) {
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<DirectoryCheckpointStorage> other,
                          open_idle(files_, job_directory));
    if (other != nullptr) {
      WEIR_RETURN_IF_ERROR(other->discard(*id));
      return other->discard_runs(InFlight::kNone);
    }
  }
  WEIR_RETURN_IF_ERROR(remove_metadata(files_, directory));
  unlock_savepoint(directory);
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
      const Status status = discard_unfinished_savepoint(id);
      if (!status.is_ok()) {
        log_warning("an incomplete savepoint could not be deleted", {{"reason", status}});
      }
      WEIR_RETURN_IF_ERROR(discard(id));
    }
  }
  return Status::ok();
}

// The note may be torn, and what it names may be something else by now: only what surely is a
// savepoint of that id that was begun and not completed is deleted.
Status DirectoryCheckpointStorage::discard_unfinished_savepoint(CheckpointId checkpoint) {
  constexpr std::uint64_t kPathBytesMax = 65536;
  const Result<std::string> note =
      read_file(files_, join(path_of(checkpoint), kBegun), kPathBytesMax);
  if (!note.is_ok() || !note->ends_with(fmt::format("-{}\n", checkpoint.value()))) {
    return Status::ok();
  }
  const std::string directory = note->substr(0, note->size() - 1);
  const Result<std::vector<DirectoryEntry>> entries = files_.list(directory);
  if (entries.status().code() == StatusCode::kNotFound) return Status::ok();
  WEIR_RETURN_IF_ERROR(entries.status());
  const auto has = [&entries](std::string_view name) {
    return std::ranges::find(*entries, name, &DirectoryEntry::name) != entries->end();
  };
  const bool is_begun = entries->empty() || has(kBegun);
  return is_begun && !has(kMetadata) ? discard_savepoint(directory) : Status::ok();
}

Result<CheckpointMetadata> read_checkpoint_metadata(FileStore& files, const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const auto place, find_place(files, path));
  const auto& [directory, file] = place;
  WEIR_ASSIGN_OR_RETURN(const std::string bytes, read_file(files, file));
  Result<CheckpointMetadata> metadata = decode_checkpoint_metadata(bytes);
  if (!metadata.is_ok()) {
    return metadata.status().with_context("checkpoint metadata '" + file + "'");
  }
  const std::optional<CheckpointId> id = checkpoint_id_of(last_component(directory));
  if (id && *id != metadata->id) {
    return data_loss(fmt::format("checkpoint metadata '{}' is that of another checkpoint: id={}",
                                 file, metadata->id.value()));
  }
  (void)for_each_file(*metadata, [&directory = place.directory](StateFile& stored) {
    replace_start(stored.path, kOwnDirectory, directory + "/");
    replace_start(stored.path, kJobDirectory, parent_directory(directory) + "/");
    return Status::ok();
  });
  return metadata;
}

std::unique_ptr<CheckpointWriter> open_checkpoint_writer(FileStore& files,
                                                         const std::string& directory,
                                                         CheckpointId checkpoint) {
  return open_checkpoint_writer(files, directory, CheckpointBarrier{.id = checkpoint});
}

std::unique_ptr<CheckpointWriter> open_checkpoint_writer(FileStore& files,
                                                         const std::string& directory,
                                                         const CheckpointBarrier& barrier,
                                                         std::size_t inline_bytes) {
  const std::string own = barrier.savepoint_directory.empty()
                              ? checkpoint_directory(directory, barrier.id)
                              : barrier.savepoint_directory;
  return std::make_unique<DirectoryCheckpointWriter>(files, own, directory, barrier.id,
                                                     inline_bytes);
}

}  // namespace weir
