// SPDX-License-Identifier: Apache-2.0
// Which operations fail, and what they have done by then.
#include "testing/faulty_file_store.h"

#include <utility>

#include "base/check.h"

namespace weir {
namespace {

bool takes_space(FileOperation operation) {
  return operation == FileOperation::kCreate || operation == FileOperation::kAppend ||
         operation == FileOperation::kRename || operation == FileOperation::kMakeDirectories ||
         operation == FileOperation::kLock;
}

bool only_looks(FileOperation operation) {
  return operation == FileOperation::kOpen || operation == FileOperation::kRead ||
         operation == FileOperation::kList || operation == FileOperation::kStat ||
         operation == FileOperation::kLock;
}

std::string text_of(FileOperation operation, const std::string& path, std::string_view reason) {
  std::string text = "cannot ";
  text.append(to_string(operation)).append(" '").append(path).append("': ").append(reason);
  return text;
}

}  // namespace

std::string_view to_string(FileOperation operation) {
  switch (operation) {
    case FileOperation::kCreate: return "create";
    case FileOperation::kAppend: return "write to";
    case FileOperation::kSync: return "sync";
    case FileOperation::kClose: return "close";
    case FileOperation::kOpen: return "open";
    case FileOperation::kRead: return "read";
    case FileOperation::kRename: return "rename";
    case FileOperation::kRemove: return "remove";
    case FileOperation::kMakeDirectories: return "make directory";
    case FileOperation::kSyncDirectory: return "sync directory";
    case FileOperation::kList: return "list";
    case FileOperation::kStat: return "stat";
    case FileOperation::kLock: return "lock";
  }
  WEIR_UNREACHABLE();
}

class FaultyFileStore::FaultyWritableFile final : public WritableFile {
 public:
  FaultyWritableFile(FaultyFileStore& store, std::unique_ptr<WritableFile> inner, std::string path)
      : store_(store), inner_(std::move(inner)), path_(std::move(path)) {}

  Status append(std::string_view bytes) override {
    const Fate fate = store_.draw(FileOperation::kAppend, path_);
    const std::size_t length = fate.happens ? bytes.size() : store_.part_of(bytes.size());
    WEIR_RETURN_IF_ERROR(inner_->append(bytes.substr(0, length)));
    return fate.status;
  }
  Status sync() override {
    return store_.change(FileOperation::kSync, path_, [this] { return inner_->sync(); });
  }
  Status close() override {
    // A file is closed even if close() fails.
    const Fate fate = store_.draw(FileOperation::kClose, path_);
    WEIR_RETURN_IF_ERROR(inner_->close());
    return fate.status;
  }
  std::uint64_t size() const override { return inner_->size(); }

 private:
  FaultyFileStore& store_;
  const std::unique_ptr<WritableFile> inner_;
  const std::string path_;
};

class FaultyFileStore::FaultyReadableFile final : public ReadableFile {
 public:
  FaultyReadableFile(FaultyFileStore& store, std::unique_ptr<ReadableFile> inner, std::string path)
      : store_(store), inner_(std::move(inner)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t n) const override {
    return store_.look(FileOperation::kRead, path_, [&]() -> Result<std::size_t> {
      WEIR_ASSIGN_OR_RETURN(const std::size_t length, inner_->read_at(offset, buffer, n));
      store_.flip_by_chance(buffer, length);
      return length;
    });
  }
  std::uint64_t size() const override { return inner_->size(); }

 private:
  FaultyFileStore& store_;
  const std::unique_ptr<ReadableFile> inner_;
  const std::string path_;
};

void FaultyFileStore::set_faults(FileFaults faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

void FaultyFileStore::fail_next(FileFailure failure) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(std::move(failure));
}

std::vector<std::string> FaultyFileStore::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

FaultyFileStore::Fate FaultyFileStore::draw(FileOperation operation, const std::string& path) {
  const std::lock_guard lock(mutex_);
  Fate fate;
  for (auto request = requests_.begin(); request != requests_.end(); ++request) {
    if (request->operation != operation || path.find(request->path_part) == std::string::npos) {
      continue;
    }
    if (request->skip > 0) {
      --request->skip;
      continue;
    }
    fate = {request->status, request->has_effect};
    requests_.erase(request);
    break;
  }
  if (fate.status.is_ok()) {
    fate = draw_by_chance(operation, path);
  }
  if (!fate.status.is_ok()) {
    failures_.push_back(std::string(to_string(operation)) + " " + path);
  }
  return fate;
}

FaultyFileStore::Fate FaultyFileStore::draw_by_chance(FileOperation operation,
                                                      const std::string& path) {
  if (faults_.no_space > 0 && takes_space(operation) && rng_.chance(faults_.no_space)) {
    return {resource_exhausted(text_of(operation, path, "No space left on device")), false};
  }
  if (faults_.error > 0 && rng_.chance(faults_.error)) {
    return {unavailable(text_of(operation, path, "Input/output error")), false};
  }
  if (faults_.ambiguous > 0 && !only_looks(operation) && rng_.chance(faults_.ambiguous)) {
    return {unavailable(text_of(operation, path, "Input/output error, after it was done")), true};
  }
  return {};
}

template <class Do>
Status FaultyFileStore::change(FileOperation operation, const std::string& path, Do&& operate) {
  const Fate fate = draw(operation, path);
  if (fate.happens) {
    WEIR_RETURN_IF_ERROR(operate());
  }
  return fate.status;
}

template <class Do>
auto FaultyFileStore::look(FileOperation operation, const std::string& path, Do&& operate)
    -> decltype(operate()) {
  const Fate fate = draw(operation, path);
  if (!fate.status.is_ok()) {
    return fate.status;
  }
  return operate();
}

std::size_t FaultyFileStore::part_of(std::size_t n) {
  const std::lock_guard lock(mutex_);
  return n == 0 ? 0 : rng_.uniform(n);
}

void FaultyFileStore::flip_by_chance(char* bytes, std::size_t n) {
  const std::lock_guard lock(mutex_);
  if (n > 0 && faults_.bit_flip > 0 && rng_.chance(faults_.bit_flip)) {
    bytes[rng_.uniform(n)] ^= static_cast<char>(1U << rng_.uniform(8));
  }
}

Result<std::unique_ptr<WritableFile>> FaultyFileStore::create(const std::string& path,
                                                              CreateMode mode) {
  std::unique_ptr<WritableFile> file;
  WEIR_RETURN_IF_ERROR(change(FileOperation::kCreate, path, [&]() -> Status {
    WEIR_ASSIGN_OR_RETURN(file, inner_.create(path, mode));
    return Status::ok();
  }));
  return std::unique_ptr<WritableFile>(
      std::make_unique<FaultyWritableFile>(*this, std::move(file), path));
}

Result<std::unique_ptr<ReadableFile>> FaultyFileStore::open(const std::string& path) {
  return look(FileOperation::kOpen, path, [&]() -> Result<std::unique_ptr<ReadableFile>> {
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, inner_.open(path));
    return std::unique_ptr<ReadableFile>(
        std::make_unique<FaultyReadableFile>(*this, std::move(file), path));
  });
}

Status FaultyFileStore::rename(const std::string& from, const std::string& to) {
  return change(FileOperation::kRename, to, [&] { return inner_.rename(from, to); });
}
Status FaultyFileStore::rename_new(const std::string& from, const std::string& to) {
  return change(FileOperation::kRename, to, [&] { return inner_.rename_new(from, to); });
}
Status FaultyFileStore::remove(const std::string& path) {
  return change(FileOperation::kRemove, path, [&] { return inner_.remove(path); });
}
Status FaultyFileStore::remove_tree(const std::string& path) {
  return change(FileOperation::kRemove, path, [&] { return inner_.remove_tree(path); });
}
Status FaultyFileStore::make_directories(const std::string& path) {
  return change(FileOperation::kMakeDirectories, path,
                [&] { return inner_.make_directories(path); });
}
Status FaultyFileStore::sync_directory(const std::string& path) {
  return change(FileOperation::kSyncDirectory, path, [&] { return inner_.sync_directory(path); });
}
Result<std::vector<DirectoryEntry>> FaultyFileStore::list(const std::string& path) {
  return look(FileOperation::kList, path, [&] { return inner_.list(path); });
}
Result<FileInfo> FaultyFileStore::stat(const std::string& path) {
  return look(FileOperation::kStat, path, [&] { return inner_.stat(path); });
}
Result<std::unique_ptr<FileLock>> FaultyFileStore::lock(const std::string& path) {
  return look(FileOperation::kLock, path, [&] { return inner_.lock(path); });
}

}  // namespace weir
