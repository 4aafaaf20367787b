// SPDX-License-Identifier: Apache-2.0
// Changes are encoded first, which lets the tables go, then taken into the floor, and written as
// one run.
#include "state/incremental/run_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>

#include "base/logging.h"
#include "core/mutants.h"
#include "core/time_to_live.h"
#include "state/snapshot/merged_entries.h"
#include "state/snapshot/snapshot_reader.h"

namespace weir {
namespace {

using snapshot_format::Contents;
using snapshot_format::Index;

/// States of several runs, read together.
class RunReaders {
 public:
  Status open(FileStore& files, const StateRun& run) {
    WEIR_ASSIGN_OR_RETURN(auto reader, SnapshotReader::open(files, run.file));
    // Later runs have the newer descriptors; the order of states is that of their first appearance.
    for (const snapshot_format::State& state : reader->index().states) {
      const auto known = std::find_if(states_.begin(), states_.end(), [&](const auto& descriptor) {
        return descriptor.name == state.descriptor.name;
      });
      if (known == states_.end()) {
        states_.push_back(state.descriptor);
      } else {
        *known = state.descriptor;
      }
    }
    inputs_.emplace_back(std::move(reader), run.range);
    return Status::ok();
  }
  const std::vector<StateDescriptor>& states() const { return states_; }
  /// Writes the entries of a state that are left. Returns how many. What was last updated at
  /// `expired_through` or before counts as erased.
  Result<std::uint64_t> write(const std::string& state, ProcessingTime expired_through,
                              bool drops_erased, SnapshotWriter& out) {
    MergedEntries entries;
    for (const auto& [reader, range] : inputs_) {
      if (const auto* stored = reader->index().find(state)) {
        entries.add(*reader, *stored, range);
      }
    }
    std::uint64_t count = 0;
    for (;;) {
      WEIR_ASSIGN_OR_RETURN(const bool is_there, entries.next());
      if (!is_there) {
        return count;
      }
      const bool is_over = entries.is_erased() || (!expired_through.is_none() &&
                                                   has_expired(entries.value(), expired_through));
      if (!is_over) {
        WEIR_RETURN_IF_ERROR(out.entry(entries.hash(), entries.key(), entries.value()));
      } else if (!drops_erased) {
        WEIR_RETURN_IF_ERROR(out.erased(entries.hash(), entries.key()));
      } else {
        continue;
      }
      ++count;
    }
  }

 private:
  std::vector<std::pair<std::unique_ptr<SnapshotReader>, HashRange>> inputs_;
  std::vector<StateDescriptor> states_;
};

}  // namespace

void RunLog::use_floor(std::shared_ptr<StateFloor> floor, std::unique_ptr<SpillFolder> spills,
                       std::size_t bytes_unspilled) {
  const std::lock_guard lock(collect_mutex_);
  floor_ = std::move(floor);
  spills_ = std::move(spills);
  bytes_unspilled_ = bytes_unspilled;
}

RunLog::Ticket RunLog::add(Purpose purpose, CheckpointId checkpoint,
                           FrozenChangesOfStates changes) {
  const std::lock_guard lock(queue_mutex_);
  waiting_.push_back({++last_ticket_, purpose, checkpoint, std::move(changes)});
  return last_ticket_;
}

RunLog::Ticket RunLog::last_ticket() const {
  const std::lock_guard lock(queue_mutex_);
  return last_ticket_;
}

std::optional<RunLog::Waiting> RunLog::next_waiting(Ticket ticket) {
  const std::lock_guard lock(queue_mutex_);
  if (waiting_.empty() || waiting_.front().ticket > ticket) {
    return std::nullopt;
  }
  Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

std::string RunLog::next_name(const std::string& name) {
  return fmt::format("{}-{}", name, ++files_written_);
}

Index RunLog::head_for(CheckpointId checkpoint) const {
  Index head = head_;
  head.checkpoint = checkpoint;
  return head;
}

Status RunLog::collect_up_to(Ticket ticket) {
  while (failure_.is_ok()) {
    std::optional<Waiting> next = next_waiting(ticket);
    if (!next) {
      break;
    }
    failure_ = collect(*std::move(next));
  }
  return failure_;
}

Status RunLog::take_in(Ticket ticket) {
  const std::lock_guard lock(collect_mutex_);
  WEIR_RETURN_IF_ERROR(collect_up_to(ticket));
  return floor_failure_;
}

Result<std::vector<StateRun>> RunLog::write(Ticket ticket, CheckpointWriter& writer,
                                            const std::string& name) {
  const std::lock_guard lock(write_mutex_);
  std::vector<Due> due;
  {
    const std::lock_guard collecting(collect_mutex_);
    WEIR_RETURN_IF_ERROR(collect_up_to(ticket));
    // Whoever was to write what lies before has not come yet, and finds it written.
    const auto later =
        std::find_if(due_.begin(), due_.end(), [&](const Due& d) { return d.ticket > ticket; });
    due.assign(due_.begin(), later);
    due_.erase(due_.begin(), later);
  }
  for (const Due& each : due) {
    const Status status = write_collected(each, writer, name);
    using Runs = Result<std::vector<StateRun>>;
    written_.push_back({each.ticket, status.is_ok() ? Runs(chain_.runs()) : Runs(status)});
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

Result<std::unique_ptr<StateFloor::Snapshot>> RunLog::whole(Ticket ticket) {
  WEIR_RETURN_IF_ERROR(take_in(ticket));
  const std::lock_guard lock(collect_mutex_);
  const auto mine = std::find_if(whole_.begin(), whole_.end(),
                                 [ticket](const auto& each) { return each.first == ticket; });
  if (mine == whole_.end()) {
    return internal_error("the state of a savepoint was asked for too late");
  }
  std::unique_ptr<StateFloor::Snapshot> snapshot = std::move(mine->second);
  whole_.erase(mine);
  return snapshot;
}

Status RunLog::collect(Waiting next) {
  for (FrozenChangesOfState& each : next.changes) {
    WEIR_RETURN_IF_ERROR(collect_state(next, each));
  }
  if (collected_.empty() || collected_.back().ticket != next.ticket) {
    collected_.push_back({next.ticket, {}, std::nullopt, nullptr});
  }
  if (floor_failure_.is_ok()) {
    arrived_.store(next.ticket, std::memory_order_release);
  }
  if (floor_ != nullptr && floor_failure_.is_ok()) {
    if (next.purpose == Purpose::kRunFromFloor) {
      collected_.back().floor = floor_->snapshot();
    } else if (next.purpose == Purpose::kWhole) {
      constexpr std::size_t kWholeMax = 4;  // those of abandoned savepoints are not asked for
      whole_.emplace_back(next.ticket, floor_->snapshot());
      if (whole_.size() > kWholeMax) {
        whole_.pop_front();
      }
    }
  }
  if (next.purpose == Purpose::kRun || next.purpose == Purpose::kRunFromFloor) {
    due_.push_back({next.ticket, next.checkpoint});
  }
  return Status::ok();
}

/// Takes changes as they come, and lets them go on in parts that fit into memory.
class RunLog::Collector final : public StateEntrySink {
 public:
  using Emit = std::function<Status(ChangeBuffer)>;
  Collector(std::size_t bytes_max, Emit emit) : bytes_max_(bytes_max), emit_(std::move(emit)) {}
  Status entry(std::uint32_t hash, ByteView key, ByteView value) override {
    WEIR_RETURN_IF_ERROR(buffer_.entry(hash, key, value));
    return buffer_.bytes() > bytes_max_ ? finish() : Status::ok();
  }
  Status erased(std::uint32_t hash, ByteView key) override { return buffer_.erased(hash, key); }
  Status finish() { return buffer_.empty() ? Status::ok() : emit_(std::exchange(buffer_, {})); }

 private:
  const std::size_t bytes_max_;
  const Emit emit_;
  ChangeBuffer buffer_;
};

Status RunLog::collect_state(const Waiting& from, FrozenChangesOfState& state) {
  const auto place = std::find_if(floor_states_.begin(), floor_states_.end(),
                                  [&](const auto& s) { return s.name == state.descriptor.name; });
  const auto to_floor = [&](ChangeBuffer& changes, bool is_erased_only) {
    if (floor_ != nullptr && floor_failure_.is_ok() && place != floor_states_.end()) {
      floor_failure_ = floor_->ingest(static_cast<std::uint16_t>(place - floor_states_.begin()),
                                      changes, is_erased_only);
    }
  };
  const std::size_t bytes_max =
      spills_ != nullptr ? bytes_unspilled_ : std::numeric_limits<std::size_t>::max();
  Collector changed(bytes_max, [&](ChangeBuffer changes) {
    to_floor(changes, from.purpose == Purpose::kRun);
    return keep(from.ticket, state.descriptor, std::move(changes));
  });
  if (const ProcessingTime through = state.changed->expired_through(); !through.is_none()) {
    expired_through_collected_[state.descriptor.name] = through;
  }
  WEIR_RETURN_IF_ERROR(state.changed->write_in_any_order(changed));
  WEIR_RETURN_IF_ERROR(changed.finish());
  state.changed.reset();
  if (state.for_floor == nullptr) {
    return Status::ok();
  }
  Collector for_floor(bytes_max, [&](ChangeBuffer changes) {
    to_floor(changes, false);
    return Status::ok();
  });
  WEIR_RETURN_IF_ERROR(state.for_floor->write_in_any_order(for_floor));
  WEIR_RETURN_IF_ERROR(for_floor.finish());
  state.for_floor.reset();
  return Status::ok();
}

// Keeps changes for the run of their ticket or a later one; in files when they are too many.
Status RunLog::keep(Ticket ticket, const StateDescriptor& state, ChangeBuffer changes) {
  const auto has_state = [&state](const Collected& each) {
    return each.spilled || std::any_of(each.changes.begin(), each.changes.end(),
                                       [&](const auto& c) { return c.first.name == state.name; });
  };
  // A part of its own for changes of a state that come in several.
  if (collected_.empty() || collected_.back().ticket != ticket || has_state(collected_.back())) {
    collected_.push_back({ticket, {}, std::nullopt, nullptr});
  }
  collected_.back().changes.emplace_back(state, std::move(changes));
  if (spills_ == nullptr) {
    return Status::ok();
  }
  std::size_t bytes = 0;
  for (auto each = collected_.rbegin(); each != collected_.rend(); ++each) {
    for (const auto& [descriptor, kept] : each->changes) {
      bytes += kept.bytes();
    }
    if (bytes <= bytes_unspilled_) {
      continue;
    }
    if (const Status spilled = spill(*each); !spilled.is_ok()) {
      log_warning("changes stay in memory that were to wait in a file",
                  {{"operator", head_.id}, {"reason", spilled}});
      break;
    }
  }
  return Status::ok();
}

Status RunLog::spill(Collected& collected) {
  if (collected.spilled || collected.changes.empty()) {
    return Status::ok();
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, spills_->create());
  SnapshotWriter writer(std::move(file), head_, Contents::kChanges);
  for (auto& [descriptor, changes] : collected.changes) {
    WEIR_RETURN_IF_ERROR(writer.begin_state(descriptor));
    WEIR_RETURN_IF_ERROR(changes.write(writer));
  }
  WEIR_ASSIGN_OR_RETURN(collected.spilled, writer.finish());
  collected.changes.clear();
  return Status::ok();
}

Status RunLog::write_collected(const Due& due, CheckpointWriter& writer, const std::string& name) {
  std::deque<Collected> part;
  bool is_floor_due = false;
  {
    const std::lock_guard collecting(collect_mutex_);
    is_floor_due = is_floor_due_;
    expired_through_ = expired_through_collected_;
    while (!collected_.empty() && collected_.front().ticket <= due.ticket) {
      part.push_back(std::move(collected_.front()));
      collected_.pop_front();
    }
  }
  const auto has = [&part](auto&& condition) {
    return std::any_of(part.begin(), part.end(), condition);
  };
  const bool has_floor =
      is_floor_due && has([](const Collected& each) { return each.floor != nullptr; });
  Status status;
  if (is_floor_due && !has_floor) {
    const std::lock_guard collecting(collect_mutex_);
    status = floor_failure_.with_context("the state of the first checkpoint");
  } else if (has_floor || has([](const Collected& each) { return !each.is_empty(); })) {
    status = write_run(part, has_floor, due, writer, name);
  }
  if (status.is_ok()) {
    for (const Collected& each : part) {
      if (each.spilled) {
        spills_->remove(*each.spilled);
      }
    }
    merge_due(due.checkpoint, writer, name);
  }
  const std::lock_guard collecting(collect_mutex_);
  if (status.is_ok()) {
    is_floor_due_ = false;
  } else if (!WEIR_MUTANT(B21)) {
    collected_.insert(collected_.begin(), std::make_move_iterator(part.begin()),
                      std::make_move_iterator(part.end()));
  }
  return status;
}

Status RunLog::write_run(std::deque<Collected>& part, bool has_floor, const Due& due,
                         CheckpointWriter& writer, const std::string& name) {
  const bool is_spilled = std::any_of(
      part.begin(), part.end(), [](const Collected& each) { return each.spilled.has_value(); });
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create_run(next_name(name)));
  SnapshotWriter run(std::move(file), head_for(due.checkpoint), Contents::kChanges);
  WEIR_RETURN_IF_ERROR(is_spilled || has_floor ? write_spilled(part, has_floor, run)
                                               : write_encoded(part, run));
  WEIR_ASSIGN_OR_RETURN(StateHandle written, run.finish());
  chain_.append(std::move(written));
  return Status::ok();
}

Status RunLog::write_encoded(std::deque<Collected>& part, SnapshotWriter& run) {
  // All into the buffers of the first one.
  EncodedChanges& all = part.front().changes;
  for (std::size_t i = 1; i < part.size(); ++i) {
    for (auto& [descriptor, changes] : part[i].changes) {
      auto place = std::find_if(
          all.begin(), all.end(),
          [&name = descriptor.name](const auto& each) { return each.first.name == name; });
      if (place == all.end()) {
        all.emplace_back(descriptor, std::move(changes));
      } else {
        WEIR_RETURN_IF_ERROR(changes.write(place->second));
      }
    }
    part[i].changes.clear();
  }
  for (auto& [descriptor, changes] : all) {
    WEIR_RETURN_IF_ERROR(run.begin_state(descriptor));
    WEIR_RETURN_IF_ERROR(changes.write(run));
  }
  return Status::ok();
}

Status RunLog::write_spilled(std::deque<Collected>& part, bool has_floor, SnapshotWriter& run) {
  RunReaders readers;
  const StateFloor::Snapshot* floor = nullptr;
  for (Collected& each : part) {
    WEIR_RETURN_IF_ERROR(spill(each));
    if (each.spilled) {
      WEIR_RETURN_IF_ERROR(readers.open(spills_->files(), {*each.spilled, head_.range()}));
    }
    floor = has_floor && each.floor != nullptr ? each.floor.get() : floor;
  }
  for (const StateDescriptor& descriptor : readers.states()) {
    const bool is_below = std::any_of(floor_states_.begin(), floor_states_.end(),
                                      [&](const auto& s) { return s.name == descriptor.name; });
    if (floor == nullptr || !is_below) {
      WEIR_RETURN_IF_ERROR(run.begin_state(descriptor));
      WEIR_RETURN_IF_ERROR(
          readers.write(descriptor.name, ProcessingTime::none(), false, run).status());
    }
  }
  for (std::uint16_t number = 0; floor != nullptr && number < floor_states_.size(); ++number) {
    WEIR_RETURN_IF_ERROR(run.begin_state(floor_states_[number]));
    WEIR_RETURN_IF_ERROR(floor->scan(number, head_.range(),
                                     [&run](std::uint32_t hash, ByteView key, ByteView value) {
                                       return run.entry(hash, key, value);
                                     }));
  }
  return Status::ok();
}

void RunLog::merge_due(CheckpointId checkpoint, CheckpointWriter& writer, const std::string& name) {
  while (const std::optional<MergePlan> plan = chain_.next_merge()) {
    // Without the merge the chain is as good, only longer.
    if (const Status merged = merge(*plan, checkpoint, writer, name); !merged.is_ok()) {
      log_warning("runs of state could not be merged",
                  {{"operator", head_.id}, {"reason", merged}});
      return;
    }
  }
}

Status RunLog::merge(const MergePlan& plan, CheckpointId checkpoint, CheckpointWriter& writer,
                     const std::string& name) {
  RunReaders readers;
  for (const StateRun& run : plan.inputs) {
    WEIR_RETURN_IF_ERROR(readers.open(files_, run));
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create_run(next_name(name)));
  SnapshotWriter merged(std::move(file), head_for(checkpoint), Contents::kChanges);
  std::uint64_t entries_written = 0;
  for (const StateDescriptor& descriptor : readers.states()) {
    WEIR_RETURN_IF_ERROR(merged.begin_state(descriptor));
    const auto through = expired_through_.find(descriptor.name);
    WEIR_ASSIGN_OR_RETURN(
        const std::uint64_t entries,
        readers.write(descriptor.name,
                      through == expired_through_.end() ? ProcessingTime::none() : through->second,
                      plan.is_oldest, merged));
    entries_written += entries;
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
