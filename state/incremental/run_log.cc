// SPDX-License-Identifier: Apache-2.0
// Changes are encoded first, which lets the tables go, and then written as one run.
#include "state/incremental/run_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/logging.h"
#include "core/mutants.h"
#include "core/time_to_live.h"
#include "state/snapshot/merged_entries.h"
#include "state/snapshot/snapshot_reader.h"
#include "state/snapshot/snapshot_writer.h"

namespace weir {

using snapshot_format::Contents;
using snapshot_format::Index;

RunLog::Ticket RunLog::add(CheckpointId checkpoint, FrozenChangesOfStates changes) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({++last_ticket_, checkpoint, std::move(changes)});
  return last_ticket_;
}

std::string RunLog::next_name(const std::string& name) {
  return fmt::format("{}-{}", name, ++files_written_);
}

Index RunLog::head_for(CheckpointId checkpoint) const {
  Index head = head_;
  head.checkpoint = checkpoint;
  return head;
}

Result<std::vector<StateRun>> RunLog::write(Ticket ticket, CheckpointWriter& writer,
                                            const std::string& name) {
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty() && waiting_.front().ticket <= ticket) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    Status status = collect(std::move(next.changes));
    if (status.is_ok()) {
      status = write_changes(next.checkpoint, writer, name);
    }
    while (status.is_ok()) {
      const std::optional<MergePlan> plan = chain_.next_merge();
      if (!plan) {
        break;
      }
      // Without the merge the chain is as good, only longer.
      if (const Status merged = merge(*plan, next.checkpoint, writer, name); !merged.is_ok()) {
        log_warning("runs of state could not be merged",
                    {{"operator", head_.id}, {"reason", merged}});
        break;
      }
    }
    if (WEIR_MUTANT(B21) && !status.is_ok()) {
      unwritten_.clear();
    }
    using Runs = Result<std::vector<StateRun>>;
    written_.push_back({next.ticket, status.is_ok() ? Runs(chain_.runs()) : Runs(status)});
  }
  // Tickets ask in any order, and those of abandoned checkpoints never.
  constexpr std::size_t kWrittenMax = 16;
  while (written_.size() > kWrittenMax) {
    written_.pop_front();
  }
  const auto mine = std::find_if(written_.begin(), written_.end(),
                                 [&](const Written& w) { return w.ticket == ticket; });
  if (mine == written_.end()) {
    return internal_error("the runs of a checkpoint were asked for too late");
  }
  Result<std::vector<StateRun>> runs = std::move(mine->runs);
  written_.erase(mine);
  return runs;
}

Status RunLog::collect(FrozenChangesOfStates changes) {
  for (auto& [descriptor, frozen] : changes) {
    auto place = std::find_if(unwritten_.begin(), unwritten_.end(),
                              [&](const auto& each) { return each.first.name == descriptor.name; });
    if (place == unwritten_.end()) {
      place = unwritten_.insert(unwritten_.end(), {descriptor, {}});
    }
    if (const ProcessingTime through = frozen->expired_through(); !through.is_none()) {
      expired_through_[descriptor.name] = through;
    }
    WEIR_RETURN_IF_ERROR(frozen->write(place->second));
    frozen.reset();
  }
  return Status::ok();
}

Status RunLog::write_changes(CheckpointId checkpoint, CheckpointWriter& writer,
                             const std::string& name) {
  if (std::all_of(unwritten_.begin(), unwritten_.end(),
                  [](const auto& each) { return each.second.empty(); })) {
    return Status::ok();
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create_run(next_name(name)));
  SnapshotWriter run(std::move(file), head_for(checkpoint), Contents::kChanges);
  for (auto& [descriptor, changes] : unwritten_) {
    if (!changes.empty()) {
      WEIR_RETURN_IF_ERROR(run.begin_state(descriptor));
      WEIR_RETURN_IF_ERROR(changes.write(run));
    }
  }
  WEIR_ASSIGN_OR_RETURN(StateFile written, run.finish());
  unwritten_.clear();
  chain_.append(std::move(written));
  return Status::ok();
}

Status RunLog::merge(const MergePlan& plan, CheckpointId checkpoint, CheckpointWriter& writer,
                     const std::string& name) {
  std::vector<std::unique_ptr<SnapshotReader>> readers;
  // Later runs have the newer descriptors; the order of states is that of their first appearance.
  std::vector<StateDescriptor> states;
  for (const StateRun& run : plan.inputs) {
    WEIR_ASSIGN_OR_RETURN(auto reader, SnapshotReader::open(files_, run.file));
    for (const snapshot_format::State& state : reader->index().states) {
      const auto known = std::find_if(states.begin(), states.end(), [&](const auto& descriptor) {
        return descriptor.name == state.descriptor.name;
      });
      if (known == states.end()) {
        states.push_back(state.descriptor);
      } else {
        *known = state.descriptor;
      }
    }
    readers.push_back(std::move(reader));
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create_run(next_name(name)));
  SnapshotWriter merged(std::move(file), head_for(checkpoint), Contents::kChanges);
  std::uint64_t entries_written = 0;
  for (const StateDescriptor& descriptor : states) {
    MergedEntries entries;
    for (std::size_t i = 0; i < readers.size(); ++i) {
      if (const auto* state = readers[i]->index().find(descriptor.name)) {
        entries.add(*readers[i], *state, plan.inputs[i].range);
      }
    }
    WEIR_RETURN_IF_ERROR(merged.begin_state(descriptor));
    const auto through = expired_through_.find(descriptor.name);
    for (;;) {
      WEIR_ASSIGN_OR_RETURN(const bool is_there, entries.next());
      if (!is_there) {
        break;
      }
      const bool is_over = entries.is_erased() || (through != expired_through_.end() &&
                                                   has_expired(entries.value(), through->second));
      if (!is_over) {
        WEIR_RETURN_IF_ERROR(merged.entry(entries.hash(), entries.key(), entries.value()));
      } else if (!plan.is_oldest) {
        WEIR_RETURN_IF_ERROR(merged.erased(entries.hash(), entries.key()));
      } else {
        continue;
      }
      ++entries_written;
    }
  }
  if (entries_written == 0) {
    chain_.replace(plan, std::nullopt);
    return Status::ok();
  }
  WEIR_ASSIGN_OR_RETURN(StateFile result, merged.finish());
  chain_.replace(plan, std::move(result));
  return Status::ok();
}

}  // namespace weir
