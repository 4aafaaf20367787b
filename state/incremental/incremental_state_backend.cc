// SPDX-License-Identifier: Apache-2.0
// What is stored as a run and what as a whole, and when a restored chain of runs goes on.
#include "state/incremental/incremental_state_backend.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/mutants.h"
#include "state/incremental/run_log.h"
#include "state/snapshot/snapshot_writer.h"
#include "state/state_restore.h"

namespace weir {
namespace {

using snapshot_format::Index;

class FrozenIncrementalState final : public FrozenOperatorState {
 public:
  using Part = std::pair<StateDescriptor, std::unique_ptr<FrozenState>>;
  /// Without a log there are no runs.
  FrozenIncrementalState(Index head, std::vector<Part> whole, std::shared_ptr<RunLog> log = nullptr,
                         RunLog::Ticket ticket = 0)
      : head_(std::move(head)), whole_(std::move(whole)), log_(std::move(log)), ticket_(ticket) {}

  Result<StateHandle> write(CheckpointWriter& writer, const std::string& file_name) override {
    std::vector<StateRun> runs;
    if (log_ != nullptr) {
      WEIR_ASSIGN_OR_RETURN(runs, log_->write(ticket_, writer, file_name));
    }
    StateHandle handle;
    if (!whole_.empty()) {
      WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create(file_name));
      SnapshotWriter snapshot(std::move(file), std::move(head_));
      for (auto& [descriptor, state] : whole_) {
        WEIR_RETURN_IF_ERROR(snapshot.begin_state(descriptor));
        WEIR_RETURN_IF_ERROR(state->write(snapshot));
        state.reset();
      }
      WEIR_ASSIGN_OR_RETURN(handle, snapshot.finish());
    }
    handle.runs = std::move(runs);
    return handle;
  }

 private:
  Index head_;
  std::vector<Part> whole_;
  std::shared_ptr<RunLog> log_;
  const RunLog::Ticket ticket_;
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
  IncrementalOperatorState(FileStore& files, MergeOptions merges, const OperatorStateSetup& setup,
                           std::unique_ptr<StateRestore> restore)
      : head_{setup.id, {}, setup.subtask, setup.parallelism, setup.max_parallelism, {}},
        restore_(std::move(restore)),
        log_(std::make_shared<RunLog>(files, head_, merges)) {
    if (const auto* runs = runs_to_go_on_from(setup, *restore_)) {
      goes_on_ = !runs->empty();
      log_->restore(*runs);
    }
  }

  void add(StateTable& table) override {
    if (goes_on_ && !restore_->keeps_descriptor(table.descriptor()) && !WEIR_MUTANT(B27)) {
      start_over();
    }
    restore_->feed(table);
    if (table.descriptor().distribution != StateDistribution::kKeyed ||
        !table.can_track_changes()) {
      whole_.push_back(&table);
      return;
    }
    table.track_changes(goes_on_);
    tracked_.push_back(&table);
  }
  bool is_restored() const override { return restore_->is_restored(); }

  using OperatorStateBackend::freeze;
  std::unique_ptr<FrozenOperatorState> freeze(const CheckpointBarrier& barrier) override {
    const CheckpointId checkpoint = barrier.id;
    // Runs with a state that nobody uses any more would keep it for ever.
    if (goes_on_ && !has_frozen_ && !restore_->unclaimed_states().empty()) {
      start_over();
    }
    has_frozen_ = true;
    Index head = head_;
    head.checkpoint = checkpoint;
    std::vector<FrozenIncrementalState::Part> whole;
    for (StateTable* table : whole_) {
      whole.emplace_back(table->descriptor(), table->freeze(checkpoint));
    }
    if (is_savepoint(barrier.kind)) {
      // It refers to no run, and is no part of the chain.
      for (StateTable* table : tracked_) {
        whole.emplace_back(table->descriptor(), table->freeze(checkpoint));
      }
      return std::make_unique<FrozenIncrementalState>(std::move(head), std::move(whole));
    }
    FrozenChangesOfStates changes;
    for (StateTable* table : tracked_) {
      changes.emplace_back(table->descriptor(), table->freeze_changes());
    }
    const RunLog::Ticket ticket = log_->add(checkpoint, std::move(changes));
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
  std::vector<std::string> unclaimed_states() const override {
    return restore_->unclaimed_states();
  }

 private:
  // The next run stores everything, and no earlier one counts.
  void start_over() {
    goes_on_ = false;
    log_->restore({});
    for (StateTable* table : tracked_) {
      table->track_changes(false);
    }
  }
  template <class F>
  void for_each_table(F&& f) const {
    for (StateTable* table : whole_) f(*table);
    for (StateTable* table : tracked_) f(*table);
  }

  const Index head_;
  const std::unique_ptr<StateRestore> restore_;
  const std::shared_ptr<RunLog> log_;
  bool goes_on_ = false;  // the chain of a restored checkpoint
  bool has_frozen_ = false;
  std::vector<StateTable*> whole_;
  std::vector<StateTable*> tracked_;
};

}  // namespace

Result<std::unique_ptr<OperatorStateBackend>> IncrementalStateBackend::open(
    const OperatorStateSetup& setup) {
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<StateRestore> restore, StateRestore::open(files_, setup));
  return std::unique_ptr<OperatorStateBackend>(
      std::make_unique<IncrementalOperatorState>(files_, merges_, setup, std::move(restore)));
}

}  // namespace weir
