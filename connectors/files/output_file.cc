// SPDX-License-Identifier: Apache-2.0
// Appending and syncing through two handles.
#include "connectors/files/output_file.h"

#include <utility>

namespace weir::detail {

FileSyncer::FileSyncer(FileStore& files, std::string path, std::unique_ptr<WritableFile> handle)
    : files_(files), path_(std::move(path)), handle_(std::move(handle)) {}

Status FileSyncer::sync() {
  const std::lock_guard lock(mutex_);
  if (!failure_.is_ok() || handle_ == nullptr) return failure_;
  // Read before the sync: what is appended later may not be in it.
  const bool complete = complete_.load(std::memory_order_acquire);
  failure_ = sync_file_and_name(complete);
  if (!failure_.is_ok()) failed_.store(true, std::memory_order_release);
  return failure_;
}

Status FileSyncer::sync_file_and_name(bool complete) {
  WEIR_RETURN_IF_ERROR(handle_->sync());
  if (!is_name_durable_) {
    WEIR_RETURN_IF_ERROR(files_.sync_directory(parent_directory(path_)));
    is_name_durable_ = true;
  }
  if (complete) {
    WEIR_RETURN_IF_ERROR(handle_->close());
    handle_.reset();
  }
  return Status::ok();
}

OutputFile::OutputFile(FileStore& files, const std::string& path) {
  Result<std::unique_ptr<WritableFile>> file = files.create(path, CreateMode::kExclusive);
  throw_if_error(file.status());
  Result<std::unique_ptr<WritableFile>> handle = files.create(path, CreateMode::kAppend);
  throw_if_error(handle.status());
  file_ = std::move(file).value();
  syncer_ = std::make_shared<FileSyncer>(files, path, std::move(handle).value());
}

void OutputFile::append(std::string_view bytes) {
  throw_if_error(file_->append(bytes));
  size_ += bytes.size();
}

void OutputFile::close() {
  throw_if_error(file_->close());
  syncer_->set_complete();
}

}  // namespace weir::detail
