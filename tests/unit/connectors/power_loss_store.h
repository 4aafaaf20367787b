// SPDX-License-Identifier: Apache-2.0
// PowerLossStore: files in memory that forget what was not synced when the power fails.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file_store.h"

namespace weir {

/// Keeps one flat folder's worth of files. Content is durable after sync of the file, a name after
/// sync_directory; `lose_power` drops the rest.
///
/// Thread: one.
class PowerLossStore final : public FileStore {
 public:
  /// What a crash of the machine leaves.
  void lose_power() {
    names_ = durable_names_;
    for (const auto& [path, file] : names_) file->content.resize(file->durable_bytes);
  }
  /// Names in `folder`, sorted.
  std::vector<std::string> names(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& [path, file] : names_) {
      if (parent_directory(path) == folder) names.push_back(path.substr(folder.size() + 1));
    }
    return names;
  }
  const std::string& content(const std::string& path) const { return names_.at(path)->content; }

  Result<std::unique_ptr<WritableFile>> create(const std::string& path, CreateMode mode) override {
    const auto found = names_.find(path);
    if (found != names_.end() && mode == CreateMode::kExclusive) return already_exists(path);
    std::shared_ptr<File>& file = names_[path];
    if (file == nullptr || mode == CreateMode::kTruncate) file = std::make_shared<File>();
    return std::make_unique<Writer>(file);
  }
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    const auto found = names_.find(path);
    if (found == names_.end()) return not_found(path);
    return std::make_unique<Reader>(found->second);
  }
  Status rename(const std::string& from, const std::string& to) override {
    const auto found = names_.find(from);
    if (found == names_.end()) return not_found(from);
    std::shared_ptr<File> file = found->second;
    names_.erase(found);
    names_[to] = std::move(file);
    return Status::ok();
  }
  Status rename_new(const std::string& from, const std::string& to) override {
    if (names_.contains(from) && names_.contains(to)) return already_exists(to);
    return rename(from, to);
  }
  Status remove(const std::string& path) override {
    return names_.erase(path) > 0 ? Status::ok() : not_found(path);
  }
  Status remove_tree(const std::string& path) override {
    names_.erase(path);
    return Status::ok();
  }
  Status make_directories(const std::string&) override { return Status::ok(); }
  Status sync_directory(const std::string& folder) override {
    std::erase_if(durable_names_,
                  [&](const auto& entry) { return parent_directory(entry.first) == folder; });
    for (const auto& entry : names_) {
      if (parent_directory(entry.first) == folder) durable_names_.insert(entry);
    }
    return Status::ok();
  }
  Result<std::vector<DirectoryEntry>> list(const std::string& folder) override {
    std::vector<DirectoryEntry> entries;
    for (const std::string& name : names(folder)) {
      entries.push_back({name, false, content(folder + "/" + name).size()});
    }
    return entries;
  }
  Result<FileInfo> stat(const std::string& path) override {
    const auto found = names_.find(path);
    if (found == names_.end()) return not_found(path);
    return FileInfo{false, found->second->content.size(), ProcessingTime{0}};
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    return not_found(path);
  }

 private:
  struct File {
    std::string content;
    std::size_t durable_bytes = 0;
  };
  class Writer final : public WritableFile {
   public:
    explicit Writer(std::shared_ptr<File> file) : file_(std::move(file)) {}
    Status append(std::string_view bytes) override {
      file_->content += bytes;
      return Status::ok();
    }
    Status sync() override {
      file_->durable_bytes = file_->content.size();
      return Status::ok();
    }
    Status close() override { return Status::ok(); }
    std::uint64_t size() const override { return file_->content.size(); }

   private:
    const std::shared_ptr<File> file_;
  };
  class Reader final : public ReadableFile {
   public:
    explicit Reader(std::shared_ptr<File> file) : file_(std::move(file)) {}
    Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t n) const override {
      const std::string& content = file_->content;
      if (offset >= content.size()) return std::size_t{0};
      return content.copy(buffer, n, static_cast<std::size_t>(offset));
    }
    std::uint64_t size() const override { return file_->content.size(); }

   private:
    const std::shared_ptr<File> file_;
  };

  std::map<std::string, std::shared_ptr<File>> names_;
  std::map<std::string, std::shared_ptr<File>> durable_names_;
};

}  // namespace weir
