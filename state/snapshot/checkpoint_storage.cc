// SPDX-License-Identifier: Apache-2.0
// What can be said about checkpoint storage with the interfaces alone.
#include "state/snapshot/checkpoint_storage.h"

#include <fmt/format.h>

#include <utility>

#include "base/crc32c.h"
#include "base/hash.h"
#include "core/mutants.h"

namespace weir {
namespace {

constexpr std::size_t kFileNameBytesMax = 200;

bool fits_file_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

Result<StateHandle> CheckpointWriter::write(const std::string& name, std::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<SnapshotFile> file, create(name));
  WEIR_RETURN_IF_ERROR(file->append(bytes));
  return file->finish();
}

Result<std::optional<CheckpointMetadata>> find_checkpoint(CheckpointStorage& storage,
                                                          const std::string& wanted) {
  if (wanted != "latest") {
    WEIR_ASSIGN_OR_RETURN(CheckpointMetadata named, storage.read(wanted));
    return std::optional(std::move(named));
  }
  WEIR_ASSIGN_OR_RETURN(std::vector<StoredCheckpoint> stored, storage.list());
  while (!stored.empty()) {
    Result<CheckpointMetadata> latest = storage.read(stored.back().path);
    if (latest.is_ok()) {
      return std::optional(std::move(latest).value());
    }
    if (!WEIR_MUTANT(B11)) {
      return latest.status().with_context(
          "the latest checkpoint cannot be used; an older one is used only when named");
    }
    stored.pop_back();
  }
  return std::optional<CheckpointMetadata>();
}

Result<std::string> read_state(FileStore& files, const StateHandle& handle) {
  const std::string name = handle.is_inline() ? "inline state" : "'" + handle.path + "'";
  std::string content = handle.inline_bytes;
  if (!handle.is_inline()) {
    Result<std::string> read = read_file(files, handle.path, handle.size);
    if (read.status().code() == StatusCode::kNotFound ||
        read.status().code() == StatusCode::kResourceExhausted) {
      return data_loss(read.status().message());
    }
    WEIR_ASSIGN_OR_RETURN(content, std::move(read));
  }
  if (content.size() != handle.size) {
    return data_loss(
        fmt::format("snapshot {} has another size than was recorded: bytes={} recorded={}", name,
                    content.size(), handle.size));
  }
  if (crc32c(content) != handle.checksum) {
    return data_loss(fmt::format("snapshot {} is damaged: its checksum differs", name));
  }
  return content;
}

std::string run_directory(const std::string& directory) { return directory + "/runs"; }

std::string file_name_of(std::string_view text) {
  std::string name;
  for (const char c : text) {
    // A leading dot would hide the file, or name a folder.
    if (fits_file_name(c) && !(c == '.' && name.empty())) {
      name.push_back(c);
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  if (name.empty()) {
    return "%";
  }
  if (name.size() > kFileNameBytesMax) {
    name = fmt::format("{}%{:016x}", name.substr(0, kFileNameBytesMax - 17), xxh3_64(text));
  }
  return name;
}

}  // namespace weir
