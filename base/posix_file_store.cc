// SPDX-License-Identifier: Apache-2.0
// FileStore by system calls. Every call is repeated when a signal interrupts it.
#include "base/posix_file_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace weir {

namespace {

// Repeats a system call that returns -1 with EINTR.
template <class Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) {
    result = call();
  }
  return result;
}

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (is_open()) {
      ::close(number_);
    }
  }

  bool is_open() const { return number_ >= 0; }
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

Descriptor open_descriptor(const std::string& path, int flags) {
  constexpr mode_t kMode = 0666;  // less the umask
  return Descriptor(
      retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kMode); }));
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor descriptor, std::uint64_t size)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), size_(size) {}

  Status append(std::string_view bytes) override {
    WEIR_CHECK(descriptor_.is_open());
    while (!bytes.empty()) {
      const ssize_t written = retry_interrupted(
          [&] { return ::write(descriptor_.number(), bytes.data(), bytes.size()); });
      if (written < 0) {
        return errno_status(errno, "write", path_);
      }
      bytes.remove_prefix(static_cast<std::size_t>(written));
      size_ += static_cast<std::uint64_t>(written);
    }
    return Status::ok();
  }

  // Not fdatasync: a reader after a crash needs the length too, and file systems differ in whether
  // that belongs to the data.
  Status sync() override {
    WEIR_CHECK(descriptor_.is_open());
    if (retry_interrupted([&] { return ::fsync(descriptor_.number()); }) != 0) {
      return errno_status(errno, "sync", path_);
    }
    return Status::ok();
  }

  Status close() override {
    // Not repeated: on Linux the descriptor is gone even after EINTR.
    if (descriptor_.is_open() && ::close(descriptor_.release()) != 0 && errno != EINTR) {
      return errno_status(errno, "close", path_);
    }
    return Status::ok();
  }

  std::uint64_t size() const override { return size_; }

 private:
  const std::string path_;
  Descriptor descriptor_;
  std::uint64_t size_;
};

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(std::string path, Descriptor descriptor, std::uint64_t size)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), size_(size) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t n) const override {
    std::size_t done = 0;
    while (done < n) {
      const ssize_t got = retry_interrupted([&] {
        return ::pread(descriptor_.number(), buffer + done, n - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) {
        return errno_status(errno, "read", path_);
      }
      if (got == 0) {
        break;
      }
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  std::uint64_t size() const override { return size_; }

 private:
  const std::string path_;
  const Descriptor descriptor_;
  const std::uint64_t size_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  const Descriptor descriptor_;  // closing it releases the lock
};

int open_flags(CreateMode mode) {
  switch (mode) {
    case CreateMode::kExclusive: return O_WRONLY | O_CREAT | O_EXCL;
    case CreateMode::kTruncate: return O_WRONLY | O_CREAT | O_TRUNC;
    case CreateMode::kAppend: return O_WRONLY | O_CREAT | O_APPEND;
  }
  WEIR_UNREACHABLE();
}

FileInfo file_info(const struct ::stat& stat) {
  const bool is_directory = S_ISDIR(stat.st_mode);
  const std::int64_t modified_millis =
      std::int64_t{stat.st_mtim.tv_sec} * 1000 + stat.st_mtim.tv_nsec / 1'000'000;
  return {is_directory, is_directory ? 0 : static_cast<std::uint64_t>(stat.st_size),
          ProcessingTime(modified_millis),
          !is_directory && !S_ISREG(stat.st_mode) && !S_ISLNK(stat.st_mode)};
}

// The fallback of rename_new: a link refuses to replace, as every file system with links agrees.
Status rename_new_by_link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) {
    return errno_status(errno, "rename '" + from + "' to", to);
  }
  if (::unlink(from.c_str()) != 0) {
    return errno_status(errno, "remove the old name", from);
  }
  return Status::ok();
}

// Removes what `path` is, without following links. Tells a folder from the rest by what unlink
// says, so that nothing can change in between.
Status remove_one(const std::string& path) {
  if (::unlink(path.c_str()) == 0) {
    return Status::ok();
  }
  const int error = errno;
  if (error != EISDIR && error != EPERM) {
    return errno_status(error, "remove", path);
  }
  if (::rmdir(path.c_str()) == 0) {
    return Status::ok();
  }
  return errno_status(errno == ENOTDIR ? error : errno, "remove", path);
}

bool is_real_directory(const std::string& path) {
  struct ::stat stat = {};
  return ::lstat(path.c_str(), &stat) == 0 && S_ISDIR(stat.st_mode);
}

StatusCode code_of_errno(int error) {
  switch (error) {
    case ENOENT: return StatusCode::kNotFound;
    case EEXIST: return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return StatusCode::kResourceExhausted;
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY: return StatusCode::kFailedPrecondition;
    case ENAMETOOLONG:
    case EINVAL: return StatusCode::kInvalidArgument;
    default: return StatusCode::kUnavailable;
  }
}

}  // namespace

Status errno_status(int error, std::string_view action, const std::string& path) {
  const StatusCode code = code_of_errno(error);
  const bool may_pass = code == StatusCode::kResourceExhausted || code == StatusCode::kUnavailable;
  std::string message("cannot ");
  message.append(action).append(" '").append(path).append("': ");
  message.append(std::generic_category().message(error));
  return Status(code, std::move(message), ErrorDomain::kExternal,
                may_pass ? RetryHint::kWithBackoff : RetryHint::kNo);
}

Result<std::unique_ptr<WritableFile>> PosixFileStore::create(const std::string& path,
                                                             CreateMode mode) {
  Descriptor descriptor = open_descriptor(path, open_flags(mode));
  struct ::stat stat = {};
  if (!descriptor.is_open() || ::fstat(descriptor.number(), &stat) != 0) {
    return errno_status(errno, "create", path);
  }
  return std::make_unique<PosixWritableFile>(path, std::move(descriptor), file_info(stat).size);
}

Result<std::unique_ptr<ReadableFile>> PosixFileStore::open(const std::string& path) {
  Descriptor descriptor = open_descriptor(path, O_RDONLY);
  struct ::stat stat = {};
  if (!descriptor.is_open() || ::fstat(descriptor.number(), &stat) != 0) {
    return errno_status(errno, "open", path);
  }
  if (S_ISDIR(stat.st_mode)) {
    return errno_status(EISDIR, "open", path);
  }
  return std::make_unique<PosixReadableFile>(path, std::move(descriptor), file_info(stat).size);
}

Status PosixFileStore::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return errno_status(errno, "rename '" + from + "' to", to);
  }
  return Status::ok();
}

Status PosixFileStore::rename_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    return Status::ok();
  }
  if (errno == EINVAL || errno == ENOSYS) {
    return rename_new_by_link(from, to);
  }
  return errno_status(errno, "rename '" + from + "' to", to);
}

Status PosixFileStore::remove(const std::string& path) { return remove_one(path); }

Status PosixFileStore::remove_tree(const std::string& path) {
  if (is_real_directory(path)) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, list(path));
    for (const DirectoryEntry& entry : entries) {
      WEIR_RETURN_IF_ERROR(remove_tree(path + "/" + entry.name));
    }
  }
  const Status removed = remove_one(path);
  return removed.code() == StatusCode::kNotFound ? Status::ok() : removed;
}

Status PosixFileStore::make_directories(const std::string& path) {
  constexpr mode_t kMode = 0777;  // less the umask
  if (::mkdir(path.c_str(), kMode) == 0) {
    return Status::ok();
  }
  const int error = errno;
  struct ::stat existing = {};
  if (error == EEXIST && ::stat(path.c_str(), &existing) == 0) {
    return S_ISDIR(existing.st_mode) ? Status::ok() : errno_status(ENOTDIR, "make folder", path);
  }
  const std::string parent = parent_directory(path);
  if (error != ENOENT || parent == path || parent == "." || path.empty()) {
    return errno_status(error, "make folder", path);
  }
  WEIR_RETURN_IF_ERROR(make_directories(parent));
  if (::mkdir(path.c_str(), kMode) != 0 && errno != EEXIST) {
    return errno_status(errno, "make folder", path);
  }
  return Status::ok();
}

Status PosixFileStore::sync_directory(const std::string& path) {
  const Descriptor descriptor = open_descriptor(path, O_RDONLY | O_DIRECTORY);
  if (!descriptor.is_open() ||
      retry_interrupted([&] { return ::fsync(descriptor.number()); }) != 0) {
    return errno_status(errno, "sync folder", path);
  }
  return Status::ok();
}

Result<std::vector<DirectoryEntry>> PosixFileStore::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
  if (folder == nullptr) {
    return errno_status(errno, "list", path);
  }
  std::vector<DirectoryEntry> entries;
  errno = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    struct ::stat stat = {};
    if (name == "." || name == "..") {
      continue;
    }
    if (::fstatat(::dirfd(folder.get()), entry->d_name, &stat, 0) != 0 &&
        ::fstatat(::dirfd(folder.get()), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
      errno = 0;
      continue;  // removed since it was listed
    }
    const FileInfo info = file_info(stat);
    entries.push_back({name, info.is_directory, info.size, info.is_special});
    errno = 0;
  }
  if (errno != 0) {
    return errno_status(errno, "list", path);
  }
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

Result<FileInfo> PosixFileStore::stat(const std::string& path) {
  struct ::stat stat = {};
  if (::stat(path.c_str(), &stat) != 0) {
    return errno_status(errno, "stat", path);
  }
  return file_info(stat);
}

Result<std::unique_ptr<FileLock>> PosixFileStore::lock(const std::string& path) {
  Descriptor descriptor = open_descriptor(path, O_RDWR | O_CREAT);
  if (!descriptor.is_open()) {
    return errno_status(errno, "open lock", path);
  }
  if (retry_interrupted([&] { return ::flock(descriptor.number(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) {
      return Status(StatusCode::kFailedPrecondition,
                    "cannot lock '" + path + "': another process holds the lock",
                    ErrorDomain::kExternal, RetryHint::kNo);
    }
    return errno_status(errno, "lock", path);
  }
  return std::make_unique<PosixFileLock>(std::move(descriptor));
}

}  // namespace weir
