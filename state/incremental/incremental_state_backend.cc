// SPDX-License-Identifier: Apache-2.0
// What is stored as a run and what as a whole, and when a restored chain of runs goes on.
#include "state/incremental/incremental_state_backend.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "state/floor/write_back.h"
#include "state/incremental/run_log.h"
#include "state/snapshot/snapshot_writer.h"
#include "state/state_restore.h"

namespace weir {
namespace {

using snapshot_format::Index;

// Where the whole of some states comes from: a snapshot of the floor.
struct FloorStates {
  std::shared_ptr<RunLog> log;
  RunLog::Ticket ticket;
  std::vector<StateDescriptor> states;  // by their numbers
  HashRange range;
};

class FrozenIncrementalState final : public FrozenOperatorState {
 public:
  using Part = std::pair<StateDescriptor, std::unique_ptr<FrozenState>>;
  /// Of a checkpoint: runs and, as a whole, the states that have none.
  FrozenIncrementalState(Index head, std::vector<Part> whole, std::shared_ptr<RunLog> log,
                         RunLog::Ticket ticket)
      : head_(std::move(head)), whole_(std::move(whole)), log_(std::move(log)), ticket_(ticket) {}
  /// Of a savepoint: all as a whole, some of it perhaps from the floor.
  FrozenIncrementalState(Index head, std::vector<Part> whole, std::optional<FloorStates> floor)
      : head_(std::move(head)), whole_(std::move(whole)), floor_(std::move(floor)) {}

  Result<StateHandle> write(CheckpointWriter& writer, const std::string& file_name) override {
    std::vector<StateRun> runs;
    if (log_ != nullptr) {
      WEIR_ASSIGN_OR_RETURN(runs, log_->write(ticket_, writer, file_name));
    }
    StateHandle handle;
    if (!whole_.empty() || floor_) {
      WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create(file_name));
      SnapshotWriter snapshot(std::move(file), std::move(head_));
      for (auto& [descriptor, state] : whole_) {
        WEIR_RETURN_IF_ERROR(snapshot.begin_state(descriptor));
        WEIR_RETURN_IF_ERROR(state->write(snapshot));
        state.reset();
      }
      if (floor_) {
        WEIR_RETURN_IF_ERROR(write_floor(snapshot));
      }
      WEIR_ASSIGN_OR_RETURN(handle, snapshot.finish());
    }
    handle.runs = std::move(runs);
    return handle;
  }

 private:
  Status write_floor(SnapshotWriter& snapshot) const {
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<StateFloor::Snapshot> stored,
                          floor_->log->whole(floor_->ticket));
    for (std::size_t i = 0; i < floor_->states.size(); ++i) {
      WEIR_RETURN_IF_ERROR(snapshot.begin_state(floor_->states[i]));
      WEIR_RETURN_IF_ERROR(
          stored->scan(static_cast<std::uint16_t>(i), floor_->range,
                       [&snapshot](std::uint32_t hash, ByteView key, ByteView value) {
                         return snapshot.entry(hash, key, value);
                       }));
    }
    return Status::ok();
  }

  Index head_;
  std::vector<Part> whole_;
  std::shared_ptr<RunLog> log_;  // null: there are no runs
  const RunLog::Ticket ticket_ = 0;
  const std::optional<FloorStates> floor_;
};

// The runs of this subtask's predecessor, if the next checkpoint may refer to them.
const std::vector<StateRun>* runs_to_go_on_from(const OperatorStateSetup& setup,
                                                const StateRestore& restore) {
  if (!restore.keeps_key_groups()) {
    return nullptr;
  }
  const std::vector<StateRun>& runs = setup.restores[setup.subtask.value()].runs;
  const std::string own = run_directory(setup.checkpoint_directory) + "/";
  const bool are_own = std::all_of(runs.begin(), runs.end(), [&own](const StateRun& run) {
    return run.file.is_inline() || run.file.path.starts_with(own);
  });
  return are_own ? &runs : nullptr;
}

class IncrementalOperatorState final : public OperatorStateBackend {
 public:
  IncrementalOperatorState(FileStore& files, MergeOptions merges,
                           const std::optional<FloorOptions>& floor,
                           const OperatorStateSetup& setup, std::unique_ptr<StateRestore> restore)
      : head_{setup.id, {}, setup.subtask, setup.parallelism, setup.max_parallelism, {}},
        restore_(std::move(restore)),
        log_(std::make_shared<RunLog>(files, head_, merges)) {
    if (floor) {
      write_back_.emplace(*floor, setup.local_name, log_);
    }
    if (const auto* runs = runs_to_go_on_from(setup, *restore_)) {
      goes_on_ = !runs->empty();
      log_->restore(*runs);
    }
  }

  void add(StateTable& table) override {
    if (goes_on_ && !restore_->keeps_descriptor(table.descriptor())) {
      start_over();
    }
    if (table.descriptor().distribution != StateDistribution::kKeyed ||
        !table.can_track_changes()) {
      restore_->feed(table);
      whole_.push_back(&table);
      return;
    }
    if (!write_back_ || table.evictable() == nullptr) {
      restore_->feed(table);
      table.track_changes(goes_on_);
      tracked_.push_back(&table);
    } else if (!write_back_->is_too_large(restore_->stored_bytes(table.descriptor().name))) {
      restore_->feed(table);
      table.track_changes(goes_on_);
      write_back_->add(table);
    } else {
      write_back_->take_in(table, [this](StateTable& intake) { restore_->feed(intake); });
      if (!goes_on_) {
        log_->write_floor_first();
      }
    }
  }
  bool is_restored() const override { return restore_->is_restored(); }
  std::optional<StateWork> make_room(std::size_t records) override {
    if (!write_back_) {
      return std::nullopt;
    }
    settle_restore();
    return write_back_->make_room(records);
  }
  std::optional<StateWork> load_wanted() override {
    return write_back_ ? write_back_->load_wanted() : std::nullopt;
  }

  using OperatorStateBackend::freeze;
  std::unique_ptr<FrozenOperatorState> freeze(const CheckpointBarrier& barrier) override {
    const CheckpointId checkpoint = barrier.id;
    settle_restore();
    Index head = head_;
    head.checkpoint = checkpoint;
    std::vector<FrozenIncrementalState::Part> whole;
    for (StateTable* table : whole_) {
      whole.emplace_back(table->descriptor(), table->freeze(checkpoint));
    }
    if (is_savepoint(barrier.kind)) {
      return freeze_whole(std::move(head), std::move(whole));
    }
    FrozenChangesOfStates changes;
    const bool is_from_floor = log_->is_floor_due();
    if (is_from_floor) {
      freeze_for_floor(changes);
    } else if (write_back_) {
      for (StateTable* table : write_back_->tables()) {
        changes.push_back({table->descriptor(), table->freeze_changes(), nullptr});
      }
    }
    for (StateTable* table : tracked_) {
      changes.push_back({table->descriptor(), table->freeze_changes(), nullptr});
    }
    const RunLog::Ticket ticket =
        log_->add(is_from_floor ? RunLog::Purpose::kRunFromFloor : RunLog::Purpose::kRun,
                  checkpoint, std::move(changes));
    return std::make_unique<FrozenIncrementalState>(std::move(head), std::move(whole), log_,
                                                    ticket);
  }
  void tidy() override {
    for_each_table([](StateTable& table) { table.tidy(); });
  }
  std::size_t entry_count() const override {
    std::size_t sum = 0;
    for_each_table([&sum](const StateTable& table) { sum += table.entry_count(); });
    return sum;
  }
  std::uint64_t load_count() const override { return write_back_ ? write_back_->loads() : 0; }
  std::vector<std::string> unclaimed_states() const override {
    return restore_->unclaimed_states();
  }

 private:
  // It refers to no run, and is no part of the chain. What the floor took in for it is.
  std::unique_ptr<FrozenOperatorState> freeze_whole(
      Index head, std::vector<FrozenIncrementalState::Part> whole) {
    for (StateTable* table : tracked_) {
      whole.emplace_back(table->descriptor(), table->freeze(head.checkpoint));
    }
    std::optional<FloorStates> floor;
    if (write_back_ && write_back_->has_floor()) {
      floor = FloorStates{log_, 0, {}, head.range()};
      FrozenChangesOfStates changes;
      for (StateTable* table : write_back_->tables()) {
        floor->states.push_back(table->descriptor());
      }
      freeze_for_floor(changes);
      floor->ticket = log_->add(RunLog::Purpose::kWhole, head.checkpoint, std::move(changes));
    } else if (write_back_) {
      for (StateTable* table : write_back_->tables()) {
        whole.emplace_back(table->descriptor(), table->freeze(head.checkpoint));
      }
    }
    return std::make_unique<FrozenIncrementalState>(std::move(head), std::move(whole),
                                                    std::move(floor));
  }
  void freeze_for_floor(FrozenChangesOfStates& changes) {
    for (StateTable* table : write_back_->tables()) {
      auto frozen = table->evictable()->freeze_all();
      changes.push_back({table->descriptor(), std::move(frozen.changed), std::move(frozen.others)});
    }
  }
  // Before the first record or freeze: runs with a state that nobody uses any more would keep it
  // for ever.
  void settle_restore() {
    if (!std::exchange(is_settled_, true) && goes_on_ && !restore_->unclaimed_states().empty()) {
      start_over();
    }
  }
  // The next run stores everything, and no earlier one counts.
  void start_over() {
    goes_on_ = false;
    log_->restore({});
    for (StateTable* table : tracked_) {
      table->track_changes(false);
    }
    if (write_back_) {
      write_back_->start_over();
      if (write_back_->has_floor()) {
        log_->write_floor_first();
      }
    }
  }
  template <class F>
  void for_each_table(F&& f) const {
    for (StateTable* table : whole_) f(*table);
    for (StateTable* table : tracked_) f(*table);
    if (write_back_) {
      for (StateTable* table : write_back_->tables()) f(*table);
    }
  }

  const Index head_;
  const std::unique_ptr<StateRestore> restore_;
  const std::shared_ptr<RunLog> log_;
  bool goes_on_ = false;  // the chain of a restored checkpoint
  bool is_settled_ = false;
  std::vector<StateTable*> whole_;
  std::vector<StateTable*> tracked_;     // held in memory, with runs
  std::optional<WriteBack> write_back_;  // has the tables that need not be
};

}  // namespace

Result<std::unique_ptr<OperatorStateBackend>> IncrementalStateBackend::open(
    const OperatorStateSetup& setup) {
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<StateRestore> restore, StateRestore::open(files_, setup));
  return std::unique_ptr<OperatorStateBackend>(std::make_unique<IncrementalOperatorState>(
      files_, merges_, floor_, setup, std::move(restore)));
}

}  // namespace weir
