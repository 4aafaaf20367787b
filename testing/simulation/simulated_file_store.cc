// SPDX-License-Identifier: Apache-2.0
// Faults around the operations of a file store.
#include "testing/simulation/simulated_file_store.h"

#include <fmt/format.h>

#include <utility>

#include "base/hash.h"

namespace weir::simulation {
namespace {

Status crashed() { return unavailable("the process has crashed"); }

class SimulatedWritableFile final : public WritableFile {
 public:
  SimulatedWritableFile(SimulatedFileStore& store, std::string path,
                        std::unique_ptr<WritableFile> file)
      : store_(store), path_(std::move(path)), file_(std::move(file)) {}

  Status append(std::string_view bytes) override {
    return store_.change("append", path_, [&] { return file_->append(bytes); });
  }
  Status sync() override {
    return store_.change("fsync", path_, [&] { return file_->sync(); });
  }
  Status close() override { return file_->close(); }
  std::uint64_t size() const override { return file_->size(); }

 private:
  SimulatedFileStore& store_;
  const std::string path_;
  const std::unique_ptr<WritableFile> file_;
};

class SimulatedReadableFile final : public ReadableFile {
 public:
  SimulatedReadableFile(SimulatedFileStore& store, std::string path,
                        std::unique_ptr<ReadableFile> file)
      : store_(store), path_(std::move(path)), file_(std::move(file)) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t n) const override {
    WEIR_RETURN_IF_ERROR(store_.read("read", path_));
    return file_->read_at(offset, buffer, n);
  }
  std::uint64_t size() const override { return file_->size(); }

 private:
  SimulatedFileStore& store_;
  const std::string path_;
  const std::unique_ptr<ReadableFile> file_;
};

}  // namespace

Status SimulatedFileStore::change(std::string_view what, const std::string& path,
                                  const std::function<Status()>& operation) {
  if (has_crashed()) return crashed();
  supervisor_.at_change(process_);
  if (has_crashed()) return crashed();
  const FileFaults& faults = *supervisor_.faults;
  const bool fails_before = world_.rng().chance(faults.error_before);
  const bool fails_after = world_.rng().chance(faults.error_after);
  Status status =
      fails_before ? unavailable(fmt::format("{} {}: injected error", what, path)) : operation();
  const bool happened = status.is_ok();
  if (happened && fails_after) {
    status = unavailable(fmt::format("{} {}: injected error, but it happened", what, path));
  }
  world_.trace().note(
      world_.now(), what,
      {process_.id().value(), xxh3_64(path), static_cast<std::uint64_t>(status.code())},
      [&] { return status.is_ok() ? path : status.to_string(); });
  supervisor_.at_change(process_);
  return has_crashed() ? crashed() : status;
}

Status SimulatedFileStore::read(std::string_view what, const std::string& path) {
  if (has_crashed()) return crashed();
  if (!world_.rng().chance(supervisor_.faults->error_before)) return Status::ok();
  Status status = unavailable(fmt::format("{} {}: injected error", what, path));
  world_.trace().note(world_.now(), what, {process_.id().value(), xxh3_64(path)},
                      [&] { return status.to_string(); });
  return status;
}

Result<std::unique_ptr<WritableFile>> SimulatedFileStore::create(const std::string& path,
                                                                 CreateMode mode) {
  std::unique_ptr<WritableFile> file;
  WEIR_RETURN_IF_ERROR(change("create", path, [&]() -> Status {
    WEIR_ASSIGN_OR_RETURN(file, disk_.create(path, mode));
    return Status::ok();
  }));
  return std::unique_ptr<WritableFile>(
      std::make_unique<SimulatedWritableFile>(*this, path, std::move(file)));
}

Result<std::unique_ptr<ReadableFile>> SimulatedFileStore::open(const std::string& path) {
  WEIR_RETURN_IF_ERROR(read("open", path));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, disk_.open(path));
  return std::unique_ptr<ReadableFile>(
      std::make_unique<SimulatedReadableFile>(*this, path, std::move(file)));
}

Status SimulatedFileStore::rename(const std::string& from, const std::string& to) {
  return change("rename", to, [&]() -> Status {
    WEIR_RETURN_IF_ERROR(disk_.rename(from, to));
    supervisor_.renamed(to);
    return Status::ok();
  });
}

Status SimulatedFileStore::rename_new(const std::string& from, const std::string& to) {
  return change("rename_new", to, [&]() -> Status {
    WEIR_RETURN_IF_ERROR(disk_.rename_new(from, to));
    supervisor_.renamed(to);
    return Status::ok();
  });
}

Status SimulatedFileStore::remove(const std::string& path) {
  return change("remove", path, [&] { return disk_.remove(path); });
}

Status SimulatedFileStore::remove_tree(const std::string& path) {
  return change("remove_tree", path, [&] { return disk_.remove_tree(path); });
}

Status SimulatedFileStore::make_directories(const std::string& path) {
  return change("make_directories", path, [&] { return disk_.make_directories(path); });
}

Status SimulatedFileStore::sync_directory(const std::string& path) {
  return change("fsync folder", path, [&] { return disk_.sync_directory(path); });
}

Result<std::vector<DirectoryEntry>> SimulatedFileStore::list(const std::string& path) {
  WEIR_RETURN_IF_ERROR(read("list", path));
  return disk_.list(path);
}

Result<FileInfo> SimulatedFileStore::stat(const std::string& path) {
  WEIR_RETURN_IF_ERROR(read("stat", path));
  return disk_.stat(path);
}

Result<std::unique_ptr<FileLock>> SimulatedFileStore::lock(const std::string& path) {
  if (has_crashed()) return crashed();
  return disk_.lock(path);
}

}  // namespace weir::simulation
