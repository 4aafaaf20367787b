// SPDX-License-Identifier: Apache-2.0
// Tables in memory, each frozen as a whole.
#include "state/heap/heap_state_backend.h"

#include <memory>
#include <utility>
#include <vector>

#include "state/snapshot/snapshot_writer.h"
#include "state/state_restore.h"

namespace weir {
namespace {

using snapshot_format::Index;

class FrozenHeapState final : public FrozenOperatorState {
 public:
  using Part = std::pair<StateDescriptor, std::unique_ptr<FrozenState>>;
  FrozenHeapState(Index head, std::vector<Part> parts)
      : head_(std::move(head)), parts_(std::move(parts)) {}

  Result<StateHandle> write(CheckpointWriter& writer, const std::string& file_name) override {
    if (parts_.empty()) {
      return StateHandle{};
    }
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotFile> file, writer.create(file_name));
    SnapshotWriter snapshot(std::move(file), std::move(head_));
    for (auto& [descriptor, state] : parts_) {
      WEIR_RETURN_IF_ERROR(snapshot.begin_state(descriptor));
      WEIR_RETURN_IF_ERROR(state->write(snapshot));
      state.reset();  // lets the table change its chunks in place again
    }
    return snapshot.finish();
  }

 private:
  Index head_;
  std::vector<Part> parts_;
};

class HeapOperatorState final : public OperatorStateBackend {
 public:
  HeapOperatorState(const OperatorStateSetup& setup, std::unique_ptr<StateRestore> restore)
      : head_{setup.id, {}, setup.subtask, setup.parallelism, setup.max_parallelism, {}},
        restore_(std::move(restore)) {}

  void add(StateTable& table) override {
    restore_->feed(table);
    tables_.push_back(&table);
  }
  bool is_restored() const override { return restore_->is_restored(); }
  using OperatorStateBackend::freeze;
  std::unique_ptr<FrozenOperatorState> freeze(const CheckpointBarrier& barrier) override {
    const CheckpointId checkpoint = barrier.id;
    Index head = head_;
    head.checkpoint = checkpoint;
    std::vector<FrozenHeapState::Part> parts;
    parts.reserve(tables_.size());
    for (StateTable* table : tables_) {
      parts.emplace_back(table->descriptor(), table->freeze(checkpoint));
    }
    return std::make_unique<FrozenHeapState>(std::move(head), std::move(parts));
  }
  void tidy() override {
    for (StateTable* table : tables_) {
      table->tidy();
    }
  }
  std::size_t entry_count() const override {
    std::size_t sum = 0;
    for (const StateTable* table : tables_) {
      sum += table->entry_count();
    }
    return sum;
  }
  std::vector<std::string> unclaimed_states() const override {
    return restore_->unclaimed_states();
  }

 private:
  const Index head_;
  const std::unique_ptr<StateRestore> restore_;
  std::vector<StateTable*> tables_;
};

}  // namespace

Result<std::unique_ptr<OperatorStateBackend>> HeapStateBackend::open(
    const OperatorStateSetup& setup) {
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<StateRestore> restore, StateRestore::open(files_, setup));
  return std::unique_ptr<OperatorStateBackend>(
      std::make_unique<HeapOperatorState>(setup, std::move(restore)));
}

}  // namespace weir
