// SPDX-License-Identifier: Apache-2.0
// Two views of each folder and file: what the processes see, and what the medium holds.
#include "testing/memory_file_store.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

std::string text_of(std::string_view action, const std::string& path, std::string_view reason) {
  std::string text = "cannot ";
  text.append(action).append(" '").append(path).append("': ").append(reason);
  return text;
}

Status missing(std::string_view action, const std::string& path) {
  return not_found(text_of(action, path, "No such file or directory"));
}

Status is_folder(std::string_view action, const std::string& path) {
  return failed_precondition(text_of(action, path, "Is a directory"));
}

Status is_no_folder(std::string_view action, const std::string& path) {
  return failed_precondition(text_of(action, path, "Not a directory"));
}

Status is_not_empty(std::string_view action, const std::string& path) {
  return failed_precondition(text_of(action, path, "Directory not empty"));
}

Status ended(std::string_view action, const std::string& path) {
  return unavailable(text_of(action, path, "the process that opened it has ended"));
}

std::vector<std::string> components_of(const std::string& path) {
  std::vector<std::string> components;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    std::string component = path.substr(begin, end - begin);
    if (!component.empty() && component != ".") {
      components.push_back(std::move(component));
    }
    begin = end + 1;
  }
  return components;
}

}  // namespace

struct MemoryFileStore::Node {
  bool is_directory = false;
  ProcessingTime modified{0};
  // Of a file: as seen, and as synced last.
  std::string content;
  std::string durable_content;
  // Of a folder.
  std::map<std::string, NodePtr> entries;
  std::map<std::string, NodePtr> durable_entries;
};

class MemoryFileStore::OpenFile final : public WritableFile {
 public:
  OpenFile(MemoryFileStore& store, NodePtr node, std::string path)
      : store_(store),
        node_(std::move(node)),
        path_(std::move(path)),
        generation_(store.generation_) {}

  Status append(std::string_view bytes) override {
    const std::lock_guard lock(store_.mutex_);
    WEIR_CHECK(!is_closed_);
    if (generation_ != store_.generation_) {
      return ended("write to", path_);
    }
    node_->content.append(bytes);
    node_->modified = store_.now();
    return Status::ok();
  }
  Status sync() override {
    const std::lock_guard lock(store_.mutex_);
    WEIR_CHECK(!is_closed_);
    if (generation_ != store_.generation_) {
      return ended("sync", path_);
    }
    node_->durable_content = node_->content;
    return Status::ok();
  }
  Status close() override {
    is_closed_ = true;
    return Status::ok();
  }
  std::uint64_t size() const override {
    const std::lock_guard lock(store_.mutex_);
    return node_->content.size();
  }

 private:
  MemoryFileStore& store_;
  const NodePtr node_;
  const std::string path_;
  const std::uint64_t generation_;
  bool is_closed_ = false;
};

class MemoryFileStore::ReadFile final : public ReadableFile {
 public:
  ReadFile(MemoryFileStore& store, NodePtr node)
      : store_(store), node_(std::move(node)), size_(node_->content.size()) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* buffer, std::size_t n) const override {
    const std::lock_guard lock(store_.mutex_);
    const std::string& content = node_->content;
    if (offset >= content.size()) {
      return std::size_t{0};
    }
    const std::size_t length = std::min<std::size_t>(n, content.size() - offset);
    std::memcpy(buffer, content.data() + offset, length);
    return length;
  }
  std::uint64_t size() const override { return size_; }

 private:
  MemoryFileStore& store_;
  const NodePtr node_;
  const std::uint64_t size_;
};

class MemoryFileStore::OpenLock final : public FileLock {
 public:
  OpenLock(MemoryFileStore& store, NodePtr node)
      : store_(store), node_(std::move(node)), generation_(store.generation_) {}
  ~OpenLock() override {
    const std::lock_guard lock(store_.mutex_);
    if (generation_ == store_.generation_) {
      store_.locked_.erase(node_.get());
    }
  }

 private:
  MemoryFileStore& store_;
  const NodePtr node_;
  const std::uint64_t generation_;
};

MemoryFileStore::MemoryFileStore(const Clock* clock)
    : clock_(clock), root_(std::make_shared<Node>()) {
  root_->is_directory = true;
}

MemoryFileStore::~MemoryFileStore() = default;

// Errors: not found, or failed precondition, if the folder is not there. The root's name is empty.
Result<MemoryFileStore::Place> MemoryFileStore::find(const std::string& path,
                                                     std::string_view action) const {
  Place place{nullptr, "", root_};
  for (std::string& name : components_of(path)) {
    if (place.node == nullptr) {
      return missing(action, path);
    }
    if (!place.node->is_directory) {
      return is_no_folder(action, path);
    }
    place.folder = std::move(place.node);
    const auto entry = place.folder->entries.find(name);
    place.node = entry == place.folder->entries.end() ? nullptr : entry->second;
    place.name = std::move(name);
  }
  return place;
}

void MemoryFileStore::apply(Operation operation) {
  for (const Change& change : operation) {
    if (change.node != nullptr) {
      change.folder->entries[change.name] = change.node;
    } else {
      change.folder->entries.erase(change.name);
    }
    change.folder->modified = now();
  }
  unsynced_.push_back(std::move(operation));
}

Result<std::unique_ptr<WritableFile>> MemoryFileStore::create(const std::string& path,
                                                              CreateMode mode) {
  const std::lock_guard lock(mutex_);
  WEIR_ASSIGN_OR_RETURN(Place place, find(path, "create"));
  if (place.node != nullptr && place.node->is_directory) {
    return is_folder("create", path);
  }
  if (place.node != nullptr && mode == CreateMode::kExclusive) {
    return already_exists(text_of("create", path, "File exists"));
  }
  if (place.node == nullptr) {
    place.node = std::make_shared<Node>();
    place.node->modified = now();
    apply({{place.folder, place.name, place.node}});
  } else if (mode == CreateMode::kTruncate) {
    place.node->content.clear();
  }
  return std::unique_ptr<WritableFile>(std::make_unique<OpenFile>(*this, place.node, path));
}

Result<std::unique_ptr<ReadableFile>> MemoryFileStore::open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  WEIR_ASSIGN_OR_RETURN(const Place place, find(path, "open"));
  if (place.node == nullptr) {
    return missing("open", path);
  }
  if (place.node->is_directory) {
    return is_folder("open", path);
  }
  return std::unique_ptr<ReadableFile>(std::make_unique<ReadFile>(*this, place.node));
}

Status MemoryFileStore::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  return rename_locked(from, to, true);
}

Status MemoryFileStore::rename_new(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  return rename_locked(from, to, false);
}

Status MemoryFileStore::rename_locked(const std::string& from, const std::string& to,
                                      bool replace) {
  WEIR_ASSIGN_OR_RETURN(const Place source, find(from, "rename"));
  WEIR_ASSIGN_OR_RETURN(const Place target, find(to, "rename to"));
  if (source.node == nullptr) {
    return missing("rename", from);
  }
  if (target.node != nullptr) {
    if (!replace) {
      return already_exists(text_of("rename to", to, "File exists"));
    }
    if (target.node == source.node) {
      return Status::ok();
    }
    if (target.node->is_directory != source.node->is_directory) {
      return target.node->is_directory ? is_folder("rename to", to) : is_no_folder("rename to", to);
    }
    if (!target.node->entries.empty()) {
      return is_not_empty("rename to", to);
    }
  }
  apply({{source.folder, source.name, nullptr}, {target.folder, target.name, source.node}});
  return Status::ok();
}

Status MemoryFileStore::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  WEIR_ASSIGN_OR_RETURN(const Place place, find(path, "remove"));
  if (place.node == nullptr) {
    return missing("remove", path);
  }
  if (!place.node->entries.empty()) {
    return is_not_empty("remove", path);
  }
  apply({{place.folder, place.name, nullptr}});
  return Status::ok();
}

Status MemoryFileStore::remove_tree(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const FileInfo info, [&]() -> Result<FileInfo> {
    Result<FileInfo> found = stat(path);
    return found.status().code() == StatusCode::kNotFound ? FileInfo{} : std::move(found);
  }());
  // Piece by piece, so that a crash may find it half done.
  if (info.is_directory) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, list(path));
    for (const DirectoryEntry& entry : entries) {
      WEIR_RETURN_IF_ERROR(remove_tree(path + "/" + entry.name));
    }
  }
  const Status status = remove(path);
  return status.code() == StatusCode::kNotFound ? Status::ok() : status;
}

Status MemoryFileStore::make_directories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  NodePtr folder = root_;
  for (const std::string& name : components_of(path)) {
    NodePtr next;
    if (const auto entry = folder->entries.find(name); entry != folder->entries.end()) {
      next = entry->second;
      if (!next->is_directory) {
        return is_no_folder("make directory", path);
      }
    } else {
      next = std::make_shared<Node>();
      next->is_directory = true;
      next->modified = now();
      apply({{folder, name, next}});
    }
    folder = std::move(next);
  }
  return Status::ok();
}

Status MemoryFileStore::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  WEIR_ASSIGN_OR_RETURN(const Place place, find(path, "sync directory"));
  if (place.node == nullptr) {
    return missing("sync directory", path);
  }
  if (!place.node->is_directory) {
    return is_no_folder("sync directory", path);
  }
  std::erase_if(unsynced_, [&place](const Operation& operation) {
    const bool is_synced =
        std::any_of(operation.begin(), operation.end(),
                    [&place](const Change& change) { return change.folder == place.node; });
    if (is_synced) {
      for (const Change& change : operation) {
        if (change.node != nullptr) {
          change.folder->durable_entries[change.name] = change.node;
        } else {
          change.folder->durable_entries.erase(change.name);
        }
      }
    }
    return is_synced;
  });
  return Status::ok();
}

Result<std::vector<DirectoryEntry>> MemoryFileStore::list(const std::string& path) {
  const std::lock_guard lock(mutex_);
  WEIR_ASSIGN_OR_RETURN(const Place place, find(path, "list"));
  if (place.node == nullptr) {
    return missing("list", path);
  }
  if (!place.node->is_directory) {
    return is_no_folder("list", path);
  }
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, node] : place.node->entries) {
    entries.push_back({name, node->is_directory, node->content.size()});
  }
  return entries;
}

Result<FileInfo> MemoryFileStore::stat(const std::string& path) {
  const std::lock_guard lock(mutex_);
  WEIR_ASSIGN_OR_RETURN(const Place place, find(path, "stat"));
  if (place.node == nullptr) {
    return missing("stat", path);
  }
  return FileInfo{place.node->is_directory, place.node->content.size(), place.node->modified};
}

Result<std::unique_ptr<FileLock>> MemoryFileStore::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  WEIR_ASSIGN_OR_RETURN(Place place, find(path, "lock"));
  if (place.node == nullptr) {
    place.node = std::make_shared<Node>();
    apply({{place.folder, place.name, place.node}});
  }
  if (place.node->is_directory) {
    return is_folder("lock", path);
  }
  if (!locked_.insert(place.node.get()).second) {
    return failed_precondition(text_of("lock", path, "it is held already"));
  }
  return std::unique_ptr<FileLock>(std::make_unique<OpenLock>(*this, place.node));
}

void MemoryFileStore::kill() {
  const std::lock_guard lock(mutex_);
  locked_.clear();
  ++generation_;
}

bool MemoryFileStore::would_survive(const std::string& path) {
  const std::lock_guard lock(mutex_);
  NodePtr node = root_;
  for (const std::string& name : components_of(path)) {
    const auto seen = node->entries.find(name);
    const auto durable = node->durable_entries.find(name);
    if (seen == node->entries.end() || durable == node->durable_entries.end() ||
        seen->second != durable->second) {
      return false;
    }
    node = seen->second;
  }
  return !node->is_directory && node->content == node->durable_content;
}

void MemoryFileStore::crash(std::uint64_t seed) {
  kill();
  const std::lock_guard lock(mutex_);
  Rng rng(seed);
  for (const Operation& operation : unsynced_) {
    if (rng.chance(0.5)) {
      continue;
    }
    for (const Change& change : operation) {
      auto& durable = change.folder->durable_entries;
      if (change.node != nullptr) {
        durable[change.name] = change.node;
      } else {
        durable.erase(change.name);
      }
    }
  }
  unsynced_.clear();
  crash_below(*root_, rng);
}

void MemoryFileStore::crash_below(Node& node, Rng& rng) {
  if (!node.is_directory) {
    crash_content(node, rng);
    return;
  }
  node.entries = node.durable_entries;
  for (const auto& [name, child] : node.entries) {
    crash_below(*child, rng);
  }
}

void MemoryFileStore::crash_content(Node& node, Rng& rng) {
  std::string& content = node.content;
  const std::string& durable = node.durable_content;
  if (content != durable) {
    const bool has_grown = content.starts_with(durable);
    if (!has_grown && rng.chance(0.5)) {
      content = durable;  // the truncation did not happen
    } else {
      const std::size_t synced = has_grown ? durable.size() : 0;
      content.resize(synced + rng.uniform(content.size() - synced + 1));
      // The size may have arrived without the bytes.
      const std::size_t torn = rng.chance(0.5) ? rng.uniform(content.size() - synced + 1) : 0;
      for (std::size_t i = content.size() - torn; i < content.size(); ++i) {
        content[i] = rng.chance(0.5) ? '\0' : static_cast<char>(rng.next());
      }
    }
  }
  node.durable_content = content;
}

}  // namespace weir
