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
    return store_.change({.what = "append",
                          .path = path_,
                          .run = [&] { return file_->append(bytes); },
                          .run_partly = [&] { append_some(bytes); },
                          .needs_room = true,
                          .may_be_late = false});
  }
  Status sync() override {
    return store_.change({.what = "fsync",
                          .path = path_,
                          .run = [&] { return is_lost_ ? Status::ok() : file_->sync(); },
                          .run_partly = [&] { is_lost_ = true; },
                          .may_be_late = false});
  }
  Status close() override { return file_->close(); }
  std::uint64_t size() const override { return file_->size(); }

 private:
  void append_some(std::string_view bytes) {
    (void)file_->append(bytes.substr(0, store_.world().rng().uniform(bytes.size() + 1)));
  }

  SimulatedFileStore& store_;
  const std::string path_;
  const std::unique_ptr<WritableFile> file_;
  // A sync has failed: the system has dropped what it could not write, and the next one succeeds.
  bool is_lost_ = false;
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

SimulatedFileStore::Fate SimulatedFileStore::draw(const Change& operation) {
  const FileFaults& faults = *supervisor_.faults;
  Rng& rng = world_.rng();
  const bool fails_before = rng.chance(faults.error_before);
  const bool fails_after = rng.chance(faults.error_after);
  const bool is_late = faults.late > 0 && operation.may_be_late && rng.chance(faults.late);
  if (operation.needs_room && faults.full_folder &&
      operation.path.starts_with(*faults.full_folder)) {
    return Fate::kFindsNoRoom;
  }
  if (is_late) return Fate::kHappensLate;
  if (fails_before) return Fate::kFails;
  return fails_after ? Fate::kHappensUnseen : Fate::kHappens;
}

Status SimulatedFileStore::change(const Change& operation) {
  if (has_crashed()) return crashed();
  supervisor_.at_change(process_);
  const auto run_partly = [&operation] {
    if (operation.run_partly) operation.run_partly();
  };
  if (has_crashed()) {
    run_partly();
    return crashed();
  }
  const auto failed = [&operation](std::string_view how) {
    return unavailable(fmt::format("{} {}: {}", operation.what, operation.path, how));
  };
  Status status;
  switch (draw(operation)) {
    case Fate::kHappens: status = operation.run(); break;
    case Fate::kFails:
      run_partly();
      status = failed("injected error");
      break;
    case Fate::kHappensUnseen:
      status = operation.run();
      if (status.is_ok()) status = failed("injected error, but it happened");
      break;
    case Fate::kHappensLate:
      supervisor_.happens_late(operation.run);
      status = failed("injected error, and it happens later");
      break;
    case Fate::kFindsNoRoom:
      run_partly();
      status = resource_exhausted(
          fmt::format("{} {}: injected: no space left on device", operation.what, operation.path));
      break;
  }
  world_.trace().note(
      world_.now(), operation.what,
      {process_.id().value(), xxh3_64(operation.path), static_cast<std::uint64_t>(status.code())},
      [&] { return status.is_ok() ? operation.path : status.to_string(); });
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
  const auto file = std::make_shared<std::unique_ptr<WritableFile>>();
  WEIR_RETURN_IF_ERROR(change({.what = "create",
                               .path = path,
                               .run = [&disk = disk_, path, mode, file]() -> Status {
                                 WEIR_ASSIGN_OR_RETURN(*file, disk.create(path, mode));
                                 return Status::ok();
                               },
                               .needs_room = true}));
  return std::unique_ptr<WritableFile>(
      std::make_unique<SimulatedWritableFile>(*this, path, std::move(*file)));
}

Result<std::unique_ptr<ReadableFile>> SimulatedFileStore::open(const std::string& path) {
  WEIR_RETURN_IF_ERROR(read("open", path));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, disk_.open(path));
  return std::unique_ptr<ReadableFile>(
      std::make_unique<SimulatedReadableFile>(*this, path, std::move(file)));
}

Status SimulatedFileStore::rename(const std::string& from, const std::string& to) {
  return change({.what = "rename",
                 .path = to,
                 .run = [&disk = disk_, &supervisor = supervisor_, from, to]() -> Status {
                   WEIR_RETURN_IF_ERROR(disk.rename(from, to));
                   supervisor.renamed(to);
                   return Status::ok();
                 }});
}

Status SimulatedFileStore::rename_new(const std::string& from, const std::string& to) {
  return change({.what = "rename_new",
                 .path = to,
                 .run = [&disk = disk_, &supervisor = supervisor_, from, to]() -> Status {
                   WEIR_RETURN_IF_ERROR(disk.rename_new(from, to));
                   supervisor.renamed(to);
                   return Status::ok();
                 }});
}

Status SimulatedFileStore::remove(const std::string& path) {
  return change(
      {.what = "remove", .path = path, .run = [&disk = disk_, path] { return disk.remove(path); }});
}

Status SimulatedFileStore::remove_tree(const std::string& path) {
  return change({.what = "remove_tree",
                 .path = path,
                 .run = [&disk = disk_, path] { return disk.remove_tree(path); },
                 .run_partly = [&] { remove_some(path); }});
}

// Of what a folder holds.
void SimulatedFileStore::remove_some(const std::string& path) {
  const auto entries = disk_.list(path);
  if (!entries.is_ok()) return;
  for (const DirectoryEntry& entry : *entries) {
    if (world_.rng().chance(0.5)) (void)disk_.remove_tree(path + "/" + entry.name);
  }
}

Status SimulatedFileStore::make_directories(const std::string& path) {
  return change({.what = "make_directories",
                 .path = path,
                 .run = [&disk = disk_, path] { return disk.make_directories(path); },
                 .needs_room = !disk_.stat(path).is_ok()});
}

Status SimulatedFileStore::sync_directory(const std::string& path) {
  return change({.what = "fsync folder", .path = path, .run = [&disk = disk_, path] {
                   return disk.sync_directory(path);
                 }});
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
