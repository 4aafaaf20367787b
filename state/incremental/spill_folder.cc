// SPDX-License-Identifier: Apache-2.0
// Buffered, and checked when read like every snapshot.
#include "state/incremental/spill_folder.h"

#include <fmt/format.h>

#include <utility>

#include "base/crc32c.h"

namespace weir {
namespace {

class LocalSnapshotFile final : public SnapshotFile {
 public:
  LocalSnapshotFile(FileStore& files, std::string path, std::unique_ptr<WritableFile> file)
      : files_(files), path_(std::move(path)), file_(std::move(file)) {}
  ~LocalSnapshotFile() override {
    if (file_ != nullptr) {
      file_.reset();
      (void)files_.remove(path_);  // what stays is deleted with the folder
    }
  }

  Status append(ByteView bytes) override {
    checksum_ = crc32c(bytes, checksum_);
    size_ += bytes.size();
    return file_->append(bytes);
  }
  std::uint64_t size() const override { return size_; }
  Result<StateHandle> finish() override {
    WEIR_RETURN_IF_ERROR(file_->close());
    file_.reset();
    return StateHandle{{path_, "", size_, checksum_}, {}};
  }

 private:
  FileStore& files_;
  const std::string path_;
  std::unique_ptr<WritableFile> file_;  // null once finished
  std::uint64_t size_ = 0;
  std::uint32_t checksum_ = 0;
};

}  // namespace

SpillFolder::~SpillFolder() {
  if (created_ > 0) {
    (void)files_.remove_tree(directory_);  // at the latest with the folder around it
  }
}

Result<std::unique_ptr<SnapshotFile>> SpillFolder::create() {
  const std::uint64_t number = ++created_;
  WEIR_RETURN_IF_ERROR(files_.make_directories(directory_));
  std::string path = fmt::format("{}/{}", directory_, number);
  WEIR_ASSIGN_OR_RETURN(auto file, files_.create(path, CreateMode::kExclusive));
  return std::unique_ptr<SnapshotFile>(
      std::make_unique<LocalSnapshotFile>(files_, std::move(path), std::move(file)));
}

void SpillFolder::remove(const StateFile& file) { (void)files_.remove(file.path); }

}  // namespace weir
