// SPDX-License-Identifier: Apache-2.0
// A merge of two ordered walks for each state that both have.
#include "cli/savepoint_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "cli/opened_checkpoint.h"
#include "cli/savepoint_read.h"

namespace weir::cli {
namespace {

struct EntryCounts {
  std::uint64_t same = 0;
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t changed = 0;
  bool differ() const { return added + removed + changed > 0; }
};

/// One side of the merge.
class Side {
 public:
  Side(FileStore& files, const OperatorCheckpoint& op, const StateDescriptor& state,
       EntrySchema schema)
      : entries_(files, op, state.name),
        schema_(std::move(schema)),
        distribution_(state.distribution) {}

  Status advance() {
    WEIR_ASSIGN_OR_RETURN(entry_, entries_.next());
    ++position_;
    // Every subtask has a copy; the first stands for all.
    if (distribution_ == StateDistribution::kBroadcast && entry_ != nullptr) {
      if (!copy_) copy_ = entry_->subtask;
      if (*copy_ != entry_->subtask) entry_ = nullptr;
    }
    return Status::ok();
  }
  bool is_at_end() const { return entry_ == nullptr; }
  const StoredEntry& entry() const { return *entry_; }
  // Items are compared by their place among all: which subtask had them does not matter.
  bool comes_before(const Side& other) const {
    if (distribution_ == StateDistribution::kBroadcast) {
      return entry_->key < other.entry_->key;
    }
    if (distribution_ != StateDistribution::kKeyed) {
      return position_ < other.position_;
    }
    return std::tie(entry_->hash, entry_->key) < std::tie(other.entry_->hash, other.entry_->key);
  }
  Result<std::string> json() const {
    WEIR_ASSIGN_OR_RETURN(const EntryColumns columns, columns_of(schema_, *entry_, distribution_));
    return entry_json(columns);
  }
  Result<std::string> value_json() const {
    return schema_.has_value() ? schema_.value_json(entry_->value) : Result<std::string>("");
  }

 private:
  StateEntries entries_;
  EntrySchema schema_;
  StateDistribution distribution_;
  const StoredEntry* entry_ = nullptr;
  std::uint64_t position_ = 0;
  std::optional<SubtaskIndex> copy_;
};

/// Compares two checkpoints and prints what differs.
class Diff {
 public:
  Diff(const CommandContext& context, const DiffOptions& options)
      : context_(context), options_(options) {}

  Status run();
  bool differs() const { return differs_; }

 private:
  Status compare_operators(const OperatorCheckpoint& before, const OperatorCheckpoint& after);
  Status compare_states(const OperatorCheckpoint& op_before, const StateDescriptor& before,
                        const OperatorCheckpoint& op_after, const StateDescriptor& after);
  Result<EntryCounts> merge(Side& before, Side& after, bool same_schema);
  Status step(Side& before, Side& after, bool same_schema, EntryCounts& counts);
  Status print_entry(std::string_view mark, const Side& side);

  template <class... Arguments>
  void note(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    context_.out << fmt::format(format, std::forward<Arguments>(arguments)...) << '\n';
  }

  const CommandContext& context_;
  const DiffOptions& options_;
  std::string where_;  // the operator and state being compared
  bool differs_ = false;
};

template <class Items, class Same>
auto find_same(const Items& items, Same&& same) {
  const auto found = std::find_if(items.begin(), items.end(), same);
  return found == items.end() ? nullptr : &*found;
}

Status Diff::run() {
  WEIR_ASSIGN_OR_RETURN(const CheckpointMetadata before,
                        open_checkpoint(context_.files, options_.before));
  WEIR_ASSIGN_OR_RETURN(const CheckpointMetadata after,
                        open_checkpoint(context_.files, options_.after));
  for (const OperatorCheckpoint& op : before.operators) {
    const OperatorCheckpoint* other =
        find_same(after.operators, [&](const auto& candidate) { return candidate.id == op.id; });
    if (other != nullptr) {
      WEIR_RETURN_IF_ERROR(compare_operators(op, *other));
    } else {
      differs_ = true;
      note("operator {}: only in {}", op.id.value(), options_.before);
    }
  }
  for (const OperatorCheckpoint& op : after.operators) {
    if (find_same(before.operators, [&](const auto& candidate) { return candidate.id == op.id; }) ==
        nullptr) {
      differs_ = true;
      note("operator {}: only in {}", op.id.value(), options_.after);
    }
  }
  return Status::ok();
}

Status Diff::compare_operators(const OperatorCheckpoint& before, const OperatorCheckpoint& after) {
  const std::string& id = before.id.value();
  if (before.subtasks.size() != after.subtasks.size()) {
    note("operator {}: parallelism {}, was {}", id, after.subtasks.size(), before.subtasks.size());
  }
  if (before.max_parallelism != after.max_parallelism) {
    note("operator {}: max parallelism {}, was {}", id, after.max_parallelism.value(),
         before.max_parallelism.value());
  }
  for (const StateDescriptor& state : before.states) {
    const StateDescriptor* other = find_same(
        after.states, [&](const auto& candidate) { return candidate.name == state.name; });
    if (other != nullptr) {
      WEIR_RETURN_IF_ERROR(compare_states(before, state, after, *other));
    } else {
      differs_ = true;
      note("operator {}, state {}: only in {}", id, state.name, options_.before);
    }
  }
  for (const StateDescriptor& state : after.states) {
    if (find_same(before.states,
                  [&](const auto& candidate) { return candidate.name == state.name; }) == nullptr) {
      differs_ = true;
      note("operator {}, state {}: only in {}", id, state.name, options_.after);
    }
  }
  return Status::ok();
}

Status Diff::compare_states(const OperatorCheckpoint& op_before, const StateDescriptor& before,
                            const OperatorCheckpoint& op_after, const StateDescriptor& after) {
  where_ = fmt::format("operator {}, state {}", op_before.id.value(), before.name);
  const auto compare = [&](std::string_view what, std::string_view now, std::string_view then) {
    if (now != then) {
      differs_ = true;
      note("{}: {} {}, was {}", where_, what, now, then);
    }
  };
  compare("kind", to_string(after.kind), to_string(before.kind));
  compare("distribution", to_string(after.distribution), to_string(before.distribution));
  compare("key schema", after.key_schema, before.key_schema);
  compare("value schema", after.value_schema, before.value_schema);
  const auto ttl_text = [](const StateDescriptor& state) {
    return state.ttl ? to_string(*state.ttl) : std::string("none");
  };
  compare("time-to-live", ttl_text(after), ttl_text(before));
  if (after.kind != before.kind || after.distribution != before.distribution ||
      after.key_schema != before.key_schema) {
    return Status::ok();  // their entries cannot be told one from the other
  }
  WEIR_ASSIGN_OR_RETURN(EntrySchema schema_before, EntrySchema::of(before));
  WEIR_ASSIGN_OR_RETURN(EntrySchema schema_after, EntrySchema::of(after));
  Side side_before(context_.files, op_before, before, std::move(schema_before));
  Side side_after(context_.files, op_after, after, std::move(schema_after));
  const Result<EntryCounts> counts = merge(
      side_before, side_after,
      before.value_schema == after.value_schema && before.ttl.has_value() == after.ttl.has_value());
  if (!counts.is_ok()) {
    return counts.status().with_context(where_);
  }
  if (counts->differ()) {
    differs_ = true;
    note("{}: {} added, {} removed, {} changed, {} the same", where_, counts->added,
         counts->removed, counts->changed, counts->same);
  }
  return Status::ok();
}

Result<EntryCounts> Diff::merge(Side& before, Side& after, bool same_schema) {
  EntryCounts counts;
  WEIR_RETURN_IF_ERROR(before.advance().with_context(options_.before));
  WEIR_RETURN_IF_ERROR(after.advance().with_context(options_.after));
  while (!before.is_at_end() || !after.is_at_end()) {
    WEIR_RETURN_IF_ERROR(step(before, after, same_schema, counts));
  }
  return counts;
}

Status Diff::step(Side& before, Side& after, bool same_schema, EntryCounts& counts) {
  if (after.is_at_end() || (!before.is_at_end() && before.comes_before(after))) {
    ++counts.removed;
    WEIR_RETURN_IF_ERROR(print_entry("-", before));
    return before.advance().with_context(options_.before);
  }
  if (before.is_at_end() || after.comes_before(before)) {
    ++counts.added;
    WEIR_RETURN_IF_ERROR(print_entry("+", after));
    return after.advance().with_context(options_.after);
  }
  bool is_same = before.entry().value == after.entry().value;
  if (!same_schema) {
    WEIR_ASSIGN_OR_RETURN(const std::string value_before, before.value_json());
    WEIR_ASSIGN_OR_RETURN(const std::string value_after, after.value_json());
    is_same = value_before == value_after;
  }
  ++(is_same ? counts.same : counts.changed);
  if (!is_same) {
    WEIR_RETURN_IF_ERROR(print_entry("<", before));
    WEIR_RETURN_IF_ERROR(print_entry(">", after));
  }
  WEIR_RETURN_IF_ERROR(before.advance().with_context(options_.before));
  return after.advance().with_context(options_.after);
}

Status Diff::print_entry(std::string_view mark, const Side& side) {
  if (!options_.with_entries) {
    return Status::ok();
  }
  WEIR_ASSIGN_OR_RETURN(const std::string json, side.json());
  note("{} {} {}", mark, where_, json);
  return Status::ok();
}

}  // namespace

int diff_savepoints(const CommandContext& context, const DiffOptions& options) {
  Diff diff(context, options);
  const Status status = diff.run();
  if (!status.is_ok()) {
    return fail(context, status);
  }
  return diff.differs() ? kNo : kOk;
}

}  // namespace weir::cli
