// SPDX-License-Identifier: Apache-2.0
// Looking up, with messages that say what there is instead.
#include "cli/opened_checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "state/snapshot/directory_checkpoint_storage.h"

namespace weir::cli {
namespace {

std::string list_of(const std::vector<std::string>& names) {
  return names.empty() ? "it has none" : fmt::format("there are: {}", fmt::join(names, ", "));
}

}  // namespace

Result<CheckpointMetadata> open_checkpoint(FileStore& files, const std::string& path) {
  const Result<FileInfo> info = files.stat(path);
  if (info.status().code() == StatusCode::kNotFound) {
    return not_found(fmt::format("'{}' is not there", path));
  }
  Result<CheckpointMetadata> metadata = read_checkpoint_metadata(files, path);
  if (metadata.status().code() == StatusCode::kNotFound) {
    return not_found(
        fmt::format("'{}' is not a checkpoint or savepoint: it has no _metadata", path));
  }
  return metadata;
}

Result<const OperatorCheckpoint*> find_operator(const CheckpointMetadata& metadata,
                                                const std::string& wanted) {
  std::vector<std::string> ids;
  std::vector<const OperatorCheckpoint*> named;
  for (const OperatorCheckpoint& op : metadata.operators) {
    if (op.id.value() == wanted) {
      return &op;
    }
    if (op.name == wanted) {
      named.push_back(&op);
    }
    ids.push_back(op.id.value());
  }
  if (named.size() == 1) {
    return named.front();
  }
  return not_found(fmt::format("no operator '{}' in checkpoint {} of job '{}'; {}", wanted,
                               metadata.id.value(), metadata.job_name, list_of(ids)));
}

Result<const StateDescriptor*> find_state(const OperatorCheckpoint& op, const std::string& wanted) {
  std::vector<std::string> names;
  for (const StateDescriptor& state : op.states) {
    if (state.name == wanted) {
      return &state;
    }
    names.push_back(state.name);
  }
  return not_found(
      fmt::format("operator '{}' has no state '{}'; {}", op.id.value(), wanted, list_of(names)));
}

}  // namespace weir::cli
