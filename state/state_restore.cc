// SPDX-License-Identifier: Apache-2.0
// Former subtasks, their files, and what of them lies in this subtask's hashes.
#include "state/state_restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/mutants.h"
#include "state/snapshot/merged_entries.h"
#include "state/snapshot/state_migration.h"

namespace weir {
namespace {

using snapshot_format::Index;

}  // namespace

StateRestore::StateRestore(const OperatorStateSetup& setup)
    : id_(setup.id),
      subtask_(setup.subtask),
      parallelism_(setup.parallelism),
      max_parallelism_(setup.max_parallelism),
      groups_(key_group_range(max_parallelism_, parallelism_, subtask_)),
      former_(setup.restores.size()) {}

Result<std::unique_ptr<StateRestore>> StateRestore::open(FileStore& files,
                                                         const OperatorStateSetup& setup) {
  std::unique_ptr<StateRestore> restore(new StateRestore(setup));
  WEIR_RETURN_IF_ERROR(restore->open_files(files, setup.restores)
                           .with_context("operator '" + setup.id.value() + "'"));
  return restore;
}

HashRange StateRestore::range() const {
  // B26: a bound taken as inclusive.
  return hash_range({groups_.first, groups_.end + (WEIR_MUTANT(B26) ? 1 : 0)}, max_parallelism_);
}

Status StateRestore::open_files(FileStore& files, const std::vector<StateHandle>& handles) {
  for (std::size_t from = 0; from < handles.size(); ++from) {
    Former& former = former_[from];
    if (handles[from].size > 0) {
      WEIR_ASSIGN_OR_RETURN(former.snapshot, SnapshotReader::open(files, handles[from]));
    }
    for (const StateRun& run : handles[from].runs) {
      // Runs of keys that are not this subtask's are somebody else's to read.
      if (run.range.first < range().end && range().first < run.range.end) {
        WEIR_ASSIGN_OR_RETURN(auto reader, SnapshotReader::open(files, run.file));
        former.runs.push_back({std::move(reader), run.range});
      }
    }
  }
  return for_each_file([this](const SnapshotReader& reader, std::size_t from) -> Status {
    WEIR_RETURN_IF_ERROR(check_head(reader, from));
    return verify(reader, from);
  });
}

Status StateRestore::for_each_file(
    const std::function<Status(const SnapshotReader&, std::size_t)>& f) const {
  for (std::size_t from = 0; from < former_.size(); ++from) {
    for (const Run& run : former_[from].runs) {
      WEIR_RETURN_IF_ERROR(f(*run.reader, from));
    }
    if (former_[from].snapshot) {
      WEIR_RETURN_IF_ERROR(f(*former_[from].snapshot, from));
    }
  }
  return Status::ok();
}

// A file that was swapped with another is whole, and still the wrong one.
Status StateRestore::check_head(const SnapshotReader& reader, std::size_t from) const {
  const Index& index = reader.index();
  if (index.id == id_ && index.subtask.value() == from &&
      index.parallelism.value() == former_.size()) {
    return Status::ok();
  }
  return data_loss(fmt::format(
      "{} belongs to operator '{}', subtask {} of {}; expected operator '{}', subtask {} of {}",
      reader.name(), index.id.value(), index.subtask.value(), index.parallelism.value(),
      id_.value(), from, former_.size()));
}

Status StateRestore::verify(const SnapshotReader& reader, std::size_t from) const {
  const HashRange written = reader.index().range();
  bool is_read = from % parallelism_.value() == subtask_.value();
  for (const State& state : reader.index().states) {
    switch (state.descriptor.distribution) {
      case StateDistribution::kKeyed:
        is_read = is_read || (written.first < range().end && range().first < written.end);
        break;
      case StateDistribution::kSplit: is_read = is_read || takes_items_of(from); break;
      case StateDistribution::kBroadcast:
        is_read = is_read || from == copy_taken(state.descriptor.name);
        break;
      case StateDistribution::kUnion: break;
    }
  }
  if (is_read) {
    return reader.verify_all();
  }
  for (const State& state : reader.index().states) {
    if (state.descriptor.distribution == StateDistribution::kUnion) {
      WEIR_RETURN_IF_ERROR(reader.verify(state));
    }
  }
  return Status::ok();
}

std::size_t StateRestore::copy_taken(const std::string& state) const {
  std::vector<std::size_t> copies;
  for (std::size_t from = 0; from < former_.size(); ++from) {
    const auto& snapshot = former_[from].snapshot;
    if (snapshot && snapshot->index().find(state) != nullptr) copies.push_back(from);
  }
  WEIR_CHECK(!copies.empty());
  return copies[subtask_.value() % copies.size()];
}

bool StateRestore::keeps_key_groups() const {
  if (!keeps_parallelism()) {
    return false;
  }
  return for_each_file([this](const SnapshotReader& reader, std::size_t) {
           return reader.index().max_parallelism == max_parallelism_
                      ? Status::ok()
                      : failed_precondition("another max parallelism");
         })
      .is_ok();
}

bool StateRestore::keeps_descriptor(const StateDescriptor& now) const {
  return for_each_file([&now](const SnapshotReader& reader, std::size_t) {
           const State* then = reader.index().find(now.name);
           return then == nullptr || then->descriptor == now
                      ? Status::ok()
                      : failed_precondition("another descriptor");
         })
      .is_ok();
}

void StateRestore::check_descriptor(const StateDescriptor& now) const {
  throw_if_error(for_each_file([&](const SnapshotReader& reader, std::size_t) {
    const State* then = reader.index().find(now.name);
    return then == nullptr ? Status::ok()
                           : StateMigration(now, then->descriptor)
                                 .check()
                                 .with_context(fmt::format(
                                     "state '{}' of operator '{}' cannot be restored from {}",
                                     now.name, id_.value(), reader.name()));
  }));
}

void StateRestore::feed(StateTable& table) {
  const std::string& name = table.descriptor().name;
  WEIR_CHECK(std::find(claimed_.begin(), claimed_.end(), name) == claimed_.end() &&
             "two states of an operator have one name");
  check_descriptor(table.descriptor());
  claimed_.push_back(name);
  if (WEIR_MUTANT(B29) && table.descriptor().kind == StateKind::kTimers) return;
  std::uint64_t items_before = 0;
  for (std::size_t from = 0; from < former_.size(); ++from) {
    const auto where = [&] {
      const std::string file = former_[from].snapshot ? former_[from].snapshot->name()
                                                      : fmt::format("the runs of subtask {}", from);
      return fmt::format("state '{}' of operator '{}' from {}", name, id_.value(), file);
    };
    try {
      throw_if_error(feed_from(from, table, items_before));
    } catch (const StatusError& error) {
      throw StatusError(error.status().with_context(where()));
    }
  }
}

Status StateRestore::feed_from(std::size_t from, StateTable& table,
                               std::uint64_t& items_before) const {
  const Former& former = former_[from];
  if (table.descriptor().distribution == StateDistribution::kKeyed) {
    return feed_keyed(former, table);
  }
  const State* state =
      former.snapshot ? former.snapshot->index().find(table.descriptor().name) : nullptr;
  if (state == nullptr) {
    return Status::ok();
  }
  const std::uint64_t before = items_before;
  items_before += state->entries;
  return feed_items(from, *state, before, table);
}

Status StateRestore::feed_keyed(const Former& former, StateTable& table) const {
  MergedEntries entries;
  std::vector<StateMigration> migrations;  // by file
  const HashRange own = range();
  const auto add = [&](const SnapshotReader& reader, HashRange range) {
    const State* state = reader.index().find(table.descriptor().name);
    const HashRange clipped{std::max(range.first, own.first), std::min(range.end, own.end)};
    if (state != nullptr && clipped.first < clipped.end) {
      entries.add(reader, *state, clipped);
      migrations.emplace_back(table.descriptor(), state->descriptor);
    }
  };
  for (const Run& run : former.runs) {
    add(*run.reader, run.range);
  }
  if (former.snapshot) {
    add(*former.snapshot, HashRange{});
  }
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const bool is_there, entries.next());
    if (!is_there) {
      return Status::ok();
    }
    if (!entries.is_erased()) {
      WEIR_DCHECK(groups_.contains(key_group_of(entries.hash(), max_parallelism_)) ||
                  WEIR_MUTANT(B26));
      table.restore(entries.hash(), entries.key(),
                    migrations[entries.file()].value(entries.value()));
    }
  }
}

Status StateRestore::feed_items(std::size_t from, const State& state, std::uint64_t items_before,
                                StateTable& table) const {
  const SnapshotReader& reader = *former_[from].snapshot;
  StateMigration migration(table.descriptor(), state.descriptor);
  const auto restore = [&](std::uint32_t index, ByteView key, ByteView value) {
    table.restore(index, key, migration.value(value));
  };
  if (state.descriptor.distribution == StateDistribution::kUnion) {
    return reader.read(state, HashRange{}, restore);
  }
  if (state.descriptor.distribution == StateDistribution::kBroadcast) {
    return from == copy_taken(state.descriptor.name) ? reader.read(state, HashRange{}, restore)
                                                     : Status::ok();
  }
  if (!takes_items_of(from)) {
    return Status::ok();
  }
  // By the order of all items of all former subtasks, dealt out in turn.
  std::uint64_t item = items_before;
  return reader.read(state, HashRange{}, [&](std::uint32_t index, ByteView key, ByteView value) {
    if (keeps_parallelism() || item % parallelism_.value() == subtask_.value()) {
      restore(index, key, value);
    }
    ++item;
  });
}

std::uint64_t StateRestore::stored_bytes(const std::string& state) const {
  std::uint64_t sum = 0;
  const auto add = [&](const SnapshotReader& reader, HashRange counted) {
    const HashRange own = range();
    const HashRange read{std::max(counted.first, own.first), std::min(counted.end, own.end)};
    if (const State* stored = reader.index().find(state)) {
      for (const snapshot_format::Block& block : stored->blocks) {
        sum += block.first_hash < read.end && read.first <= block.last_hash ? block.size : 0;
      }
    }
  };
  for (const Former& former : former_) {
    for (const Run& run : former.runs) {
      add(*run.reader, run.range);
    }
    if (former.snapshot) {
      add(*former.snapshot, HashRange{});
    }
  }
  return sum;
}

std::vector<std::string> StateRestore::unclaimed_states() const {
  std::vector<std::string> names;
  (void)for_each_file([&](const SnapshotReader& reader, std::size_t) {
    for (const State& state : reader.index().states) {
      const std::string& name = state.descriptor.name;
      if (std::find(claimed_.begin(), claimed_.end(), name) == claimed_.end() &&
          std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
    return Status::ok();
  });
  return names;
}

}  // namespace weir
