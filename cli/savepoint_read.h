// SPDX-License-Identifier: Apache-2.0
// weir savepoint read: the entries of one state, a line each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/command_context.h"
#include "state/snapshot/entry_schema.h"
#include "state/snapshot/state_entries.h"

namespace weir::cli {

enum class ReadFormat { kJson, kCsv };

struct ReadOptions {
  std::string path;
  std::string operator_id;
  std::string state;
  ReadFormat format = ReadFormat::kJson;
  std::optional<std::string> key = {};  ///< JSON as it is printed, or the bare text of a string
  std::uint64_t limit = UINT64_MAX;     ///< lines of entries
};

/// Returns the exit status.
int read_savepoint(const CommandContext& context, const ReadOptions& options);

/// Names and JSON of the parts of an entry: its place if it is an item, key parts, value.
struct EntryColumns {
  std::vector<std::string> names;
  std::vector<std::string> values;
};
/// Errors: data loss.
Result<EntryColumns> columns_of(const EntrySchema& schema, const StoredEntry& entry,
                                StateDistribution distribution);
/// One JSON object.
std::string entry_json(const EntryColumns& columns);

}  // namespace weir::cli
