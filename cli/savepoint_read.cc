// SPDX-License-Identifier: Apache-2.0
// Entries as lines of JSON or CSV.
#include "cli/savepoint_read.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "cli/opened_checkpoint.h"
#include "state/snapshot/value_json.h"

namespace weir::cli {
namespace {

// The text of a JSON string as `append_json_string` writes it; other JSON as it is.
std::string bare_text(const std::string& json) {
  if (!json.starts_with('"')) {
    return json;
  }
  std::string text;
  for (std::size_t i = 1; i + 1 < json.size(); ++i) {
    if (json[i] != '\\') {
      text += json[i];
      continue;
    }
    const char escaped = json[++i];
    unsigned code = 0;
    switch (escaped) {
      case 'n': text += '\n'; break;
      case 'r': text += '\r'; break;
      case 't': text += '\t'; break;
      case 'u':
        std::from_chars(json.data() + i + 1, json.data() + i + 5, code, 16);
        text += static_cast<char>(code);
        i += 4;
        break;
      default: text += escaped; break;
    }
  }
  return text;
}

std::string csv_cell(const std::string& json) {
  const std::string text = bare_text(json);
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string cell = "\"";
  for (const char c : text) {
    cell += c == '"' ? "\"\"" : std::string(1, c);
  }
  return cell + '"';
}

std::string csv_line(const std::vector<std::string>& values) {
  std::string line;
  for (std::size_t i = 0; i < values.size(); ++i) {
    line += (i == 0 ? "" : ",") + csv_cell(values[i]);
  }
  return line;
}

// JSON without the spaces that people put between its parts.
std::string without_spaces(std::string_view json) {
  std::string out;
  bool is_inside = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (is_inside && json[i] == '\\' && i + 1 < json.size()) {
      out += json[i++];
    } else if (json[i] == '"') {
      is_inside = !is_inside;
    } else if (!is_inside && (json[i] == ' ' || json[i] == '\t' || json[i] == '\n')) {
      continue;
    }
    out += json[i];
  }
  return out;
}

// Whether the entry is one of those under the key that is asked for.
bool has_key(const EntryColumns& columns, const std::string& wanted) {
  for (std::size_t i = 0; i < columns.names.size(); ++i) {
    if (columns.names[i] == "key") {
      return columns.values[i] == without_spaces(wanted) || bare_text(columns.values[i]) == wanted;
    }
  }
  return false;
}

Status print_entries(const CommandContext& context, const ReadOptions& options,
                     const OperatorCheckpoint& op, const StateDescriptor& state) {
  WEIR_ASSIGN_OR_RETURN(const EntrySchema schema, EntrySchema::of(state));
  StateEntries entries(context.files, op, state.name);
  bool has_header = options.format == ReadFormat::kJson;
  for (std::uint64_t left = options.limit; left > 0;) {
    WEIR_ASSIGN_OR_RETURN(const StoredEntry* const entry, entries.next());
    if (entry == nullptr) {
      return Status::ok();
    }
    WEIR_ASSIGN_OR_RETURN(const EntryColumns columns,
                          columns_of(schema, *entry, state.distribution));
    if (options.key && !has_key(columns, *options.key)) {
      continue;
    }
    if (!has_header) {
      context.out << csv_line(columns.names) << '\n';
      has_header = true;
    }
    context.out << (options.format == ReadFormat::kJson ? entry_json(columns)
                                                        : csv_line(columns.values))
                << '\n';
    --left;
  }
  return Status::ok();
}

}  // namespace

Result<EntryColumns> columns_of(const EntrySchema& schema, const StoredEntry& entry,
                                StateDistribution distribution) {
  EntryColumns columns;
  if (distribution != StateDistribution::kKeyed) {
    columns.names.emplace_back("subtask");
    columns.values.push_back(std::to_string(entry.subtask.value()));
  }
  if (distribution == StateDistribution::kSplit || distribution == StateDistribution::kUnion) {
    columns.names.emplace_back("index");
    columns.values.push_back(std::to_string(entry.hash));
  }
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> key, schema.key_json(entry.key));
  for (std::size_t i = 0; i < key.size(); ++i) {
    columns.names.emplace_back(schema.key_parts()[i].name);
    columns.values.push_back(key[i]);
  }
  if (schema.has_value()) {
    columns.names.emplace_back("value");
    WEIR_ASSIGN_OR_RETURN(std::string value, schema.value_json(entry.value));
    columns.values.push_back(std::move(value));
  }
  if (schema.has_times()) {
    columns.names.emplace_back("updated_at");
    WEIR_ASSIGN_OR_RETURN(std::string updated_at, schema.updated_json(entry.value));
    columns.values.push_back(std::move(updated_at));
  }
  return columns;
}

std::string entry_json(const EntryColumns& columns) {
  std::string out = "{";
  for (std::size_t i = 0; i < columns.names.size(); ++i) {
    out += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", columns.names[i], columns.values[i]);
  }
  return out + "}";
}

int read_savepoint(const CommandContext& context, const ReadOptions& options) {
  const Result<CheckpointMetadata> metadata = open_checkpoint(context.files, options.path);
  if (!metadata.is_ok()) {
    return fail(context, metadata.status());
  }
  const auto op = find_operator(*metadata, options.operator_id);
  if (!op.is_ok()) {
    return fail(context, op.status());
  }
  const auto state = find_state(**op, options.state);
  if (!state.is_ok()) {
    return fail(context, state.status());
  }
  const Status status = print_entries(context, options, **op, **state);
  if (!status.is_ok()) {
    return fail(context, status.with_context("state '" + options.state + "' of operator '" +
                                             (*op)->id.value() + "'"));
  }
  return kOk;
}

}  // namespace weir::cli
