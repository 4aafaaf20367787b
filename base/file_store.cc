// SPDX-License-Identifier: Apache-2.0
// What can be said about files with the interface alone.
#include "base/file_store.h"

namespace weir {

Result<std::string> read_file(FileStore& store, const std::string& path, std::uint64_t bytes_max) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, store.open(path));
  if (file->size() > bytes_max) {
    return resource_exhausted("file '" + path + "' is too long: bytes=" +
                              std::to_string(file->size()) + " max=" + std::to_string(bytes_max));
  }
  std::string content(static_cast<std::size_t>(file->size()), '\0');
  WEIR_ASSIGN_OR_RETURN(const std::size_t length, file->read_at(0, content.data(), content.size()));
  content.resize(length);
  return content;
}

Status write_file_atomically(FileStore& store, const std::string& temporary_path,
                             const std::string& path, std::string_view bytes) {
  const std::string folder = parent_directory(path);
  WEIR_CHECK_EQ(parent_directory(temporary_path), folder);
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                        store.create(temporary_path, CreateMode::kTruncate));
  WEIR_RETURN_IF_ERROR(file->append(bytes));
  WEIR_RETURN_IF_ERROR(file->sync());
  WEIR_RETURN_IF_ERROR(file->close());
  WEIR_RETURN_IF_ERROR(store.rename(temporary_path, path));
  return store.sync_directory(folder);
}

Status make_durable_directories(FileStore& store, const std::string& path) {
  WEIR_RETURN_IF_ERROR(store.make_directories(path));
  std::string folder = path;
  while (folder.size() > 1 && folder.back() == '/') {
    folder.pop_back();
  }
  while (folder != "." && folder != "/") {
    folder = parent_directory(folder);
    const Status status = store.sync_directory(folder);
    if (status.code() != StatusCode::kPermissionDenied) {
      WEIR_RETURN_IF_ERROR(status);
    }
  }
  return Status::ok();
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace weir
