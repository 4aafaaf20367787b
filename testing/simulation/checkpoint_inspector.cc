// SPDX-License-Identifier: Apache-2.0
// Reading checkpoint directories without the storage class that made them.
#include "testing/simulation/checkpoint_inspector.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <set>
#include <vector>

#include "base/check.h"
#include "state/snapshot/checkpoint_metadata.h"
#include "testing/simulation/random_job.h"
#include "testing/simulation/simulated_cluster.h"

namespace weir::simulation {
namespace {

// How a path in metadata begins that lies in the checkpoint's own directory.
constexpr std::string_view kOwnDirectory = "<checkpoint>";
// The same for the directory of all checkpoints of the job.
constexpr std::string_view kJobDirectory = "<job>";
// Holds a checkpoint's directory from its beginning.
constexpr std::string_view kBegun = "_begun";

// Checkpoint directories by id.
std::map<std::uint64_t, std::string> directories(MemoryFileStore& disk) {
  std::map<std::uint64_t, std::string> found;
  const auto entries = disk.list(kCheckpointDirectory);
  if (!entries.is_ok()) return found;
  for (const DirectoryEntry& entry : *entries) {
    std::uint64_t id = 0;
    if (std::sscanf(entry.name.c_str(), "chk-%lu", &id) == 1) {
      found[id] = fmt::format("{}/{}", kCheckpointDirectory, entry.name);
    }
  }
  return found;
}

// The paths of all files that a checkpoint needs, metadata included; none if it is not complete.
std::optional<std::set<std::string>> files_of(MemoryFileStore& disk, const std::string& directory) {
  const std::string path = directory + "/_metadata";
  const Result<std::string> bytes = read_file(disk, path);
  if (!bytes.is_ok()) return std::nullopt;
  const Result<CheckpointMetadata> metadata = decode_checkpoint_metadata(*bytes);
  if (!metadata.is_ok()) return std::nullopt;
  std::set<std::string> files = {path};
  for (const OperatorCheckpoint& op : metadata->operators) {
    for (const StateHandle& handle : op.subtasks) {
      const auto add = [&](const StateFile& file) {
        if (file.is_inline()) return;
        if (file.path.starts_with(kOwnDirectory)) {
          files.insert(directory + file.path.substr(kOwnDirectory.size()));
        } else if (file.path.starts_with(kJobDirectory)) {
          files.insert(kCheckpointDirectory + file.path.substr(kJobDirectory.size()));
        } else {
          files.insert(file.path);
        }
      };
      add(handle);
      for (const StateRun& run : handle.runs) add(run.file);
    }
  }
  return files;
}

}  // namespace

bool is_durable(MemoryFileStore& disk, CheckpointId checkpoint) {
  for (const auto& [id, directory] : directories(disk)) {
    if (id < checkpoint.value()) continue;
    const auto files = files_of(disk, directory);
    if (!files) continue;
    bool survives = true;
    for (const std::string& path : *files) survives = survives && disk.would_survive(path);
    if (survives) return true;
  }
  return false;
}

std::vector<std::vector<std::string>> checkpoint_files(MemoryFileStore& disk) {
  std::vector<std::vector<std::string>> all;
  for (const auto& [id, directory] : directories(disk)) {
    const auto files = files_of(disk, directory);
    if (files) all.emplace_back(files->begin(), files->end());
  }
  return all;
}

std::vector<std::string> checkpoint_files(MemoryFileStore& disk, CheckpointId checkpoint) {
  const auto all = directories(disk);
  const auto found = all.find(checkpoint.value());
  if (found == all.end()) return {};
  const auto files = files_of(disk, found->second).value_or(std::set<std::string>{});
  return {files.begin(), files.end()};
}

std::set<std::uint64_t> checkpoint_ids(MemoryFileStore& disk) {
  std::set<std::uint64_t> ids;
  for (const auto& [id, directory] : directories(disk)) ids.insert(id);
  return ids;
}

std::optional<std::string> find_savepoint_loss(MemoryFileStore& disk, const std::string& path) {
  const auto files = files_of(disk, path);
  if (!files) return fmt::format("I16: savepoint {} is gone", path);
  for (const std::string& file : *files) {
    if (!disk.stat(file).is_ok()) return fmt::format("I16: savepoint {} lacks {}", path, file);
    if (!file.starts_with(path + "/")) {
      return fmt::format("I16: savepoint {} is not whole: it needs {}", path, file);
    }
  }
  return std::nullopt;
}

std::set<std::string> run_names(MemoryFileStore& disk) {
  std::set<std::string> names;
  const auto runs = disk.list(fmt::format("{}/runs", kCheckpointDirectory));
  if (!runs.is_ok()) return names;
  for (const DirectoryEntry& run : *runs) names.insert(run.name);
  return names;
}

std::optional<std::string> find_checkpoint_leak(MemoryFileStore& disk, const JobSpec& job,
                                                const std::set<std::uint64_t>& foreign,
                                                const std::set<std::string>& runs_at_end) {
  std::size_t complete = 0;
  std::set<std::string> used;
  const auto all = directories(disk);
  for (const auto& [id, directory] : all) {
    const auto files = files_of(disk, directory);
    if (files) used.insert(files->begin(), files->end());
    if (foreign.contains(id)) continue;
    complete += files ? 1 : 0;
    for (const std::string& path : files.value_or(std::set<std::string>{})) {
      if (!disk.stat(path).is_ok()) {
        return fmt::format("I5: checkpoint {} is retained and its file {} is gone", id, path);
      }
    }
    const Result<std::vector<DirectoryEntry>> entries = disk.list(directory);
    WEIR_CHECK(entries.is_ok());
    for (const DirectoryEntry& entry : *entries) {
      const std::string path = directory + "/" + entry.name;
      if (entry.name == kBegun) continue;
      if (!files || !files->contains(path)) {
        return fmt::format("I6: {} is there and no retained checkpoint needs it", path);
      }
    }
    // A directory without a checkpoint only holds the highest id ever used.
    if (!files && id != all.rbegin()->first) {
      return fmt::format("I6: {} has no checkpoint and is not the newest", directory);
    }
  }
  for (const std::string& name : run_names(disk)) {
    const std::string path = fmt::format("{}/runs/{}", kCheckpointDirectory, name);
    if (!used.contains(path) && runs_at_end.contains(name)) {
      return fmt::format("I6: {} is there and no retained checkpoint needs it", path);
    }
  }
  if (complete > job.retained_checkpoints) {
    return fmt::format("I6: {} checkpoints are kept instead of {}", complete,
                       job.retained_checkpoints);
  }
  return std::nullopt;
}

std::set<std::string> hidden_output(MemoryFileStore& disk, const JobSpec& job) {
  std::set<std::string> paths;
  for (std::uint32_t sink = 0; sink < job.sinks.size(); ++sink) {
    const auto entries = disk.list(sink_folder(sink));
    if (!entries.is_ok()) continue;
    for (const DirectoryEntry& entry : *entries) {
      if (entry.name.starts_with('.')) paths.insert(sink_folder(sink) + "/" + entry.name);
    }
  }
  return paths;
}

std::optional<std::string> find_output_leak(MemoryFileStore& disk, const JobSpec& job,
                                            const std::set<std::string>& hidden_at_end) {
  for (const std::string& path : hidden_output(disk, job)) {
    if (hidden_at_end.contains(path)) return fmt::format("I6: {} is left of the job", path);
  }
  return std::nullopt;
}

void copy_files(MemoryFileStore& from, MemoryFileStore& to, const std::string& folder) {
  const auto entries = from.list(folder);
  WEIR_CHECK(entries.is_ok());
  const std::string prefix = folder == "/" ? folder : folder + "/";
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = prefix + entry.name;
    if (entry.is_directory) {
      WEIR_CHECK(to.make_directories(path).is_ok());
      copy_files(from, to, path);
    } else {
      const Result<std::string> bytes = read_file(from, path);
      const auto file = to.create(path, CreateMode::kExclusive);
      WEIR_CHECK(bytes.is_ok() && file.is_ok());
      WEIR_CHECK((*file)->append(*bytes).is_ok() && (*file)->sync().is_ok());
    }
  }
  WEIR_CHECK(to.sync_directory(folder).is_ok());
}

}  // namespace weir::simulation
