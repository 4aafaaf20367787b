// SPDX-License-Identifier: Apache-2.0
// State in memory and stored snapshots for an operator under test.
#include "testing/harness_context.h"

#include <utility>

#include "state/snapshot/directory_checkpoint_storage.h"

namespace weir::testing {
namespace {

constexpr const char* kDirectory = "/harness/checkpoints";

OperatorInfo info_of(const HarnessPlace& place, AttemptNumber attempt) {
  return {.job = JobId{1},
          .job_name = "harness",
          .id = place.id,
          .name = place.id.value(),
          .subtask = place.subtask,
          .parallelism = place.parallelism,
          .max_parallelism = place.max_parallelism,
          .attempt = attempt,
          .key_groups = key_group_range(place.max_parallelism, place.parallelism, place.subtask)};
}

template <class T>
T value_or_throw(Result<T> result) {
  throw_if_error(result.status());
  return std::move(result).value();
}

}  // namespace

HarnessContext::HarnessContext(HarnessWorld& world, const HarnessPlace& place,
                               AttemptNumber attempt, std::vector<StateHandle> restores)
    : world_(world), info_(info_of(place, attempt)) {
  HeapStateBackend heap(world_.files);
  backend_ = value_or_throw(heap.open({.id = place.id,
                                       .subtask = place.subtask,
                                       .parallelism = place.parallelism,
                                       .max_parallelism = place.max_parallelism,
                                       .restores = std::move(restores)}));
}

void HarnessContext::run_blocking(std::function<void()> work, std::function<void()> done) {
  work();
  post(std::move(done));
}

std::unique_ptr<FrozenOperatorState> HarnessContext::freeze() {
  return backend_->freeze(CheckpointId{++world_.snapshots});
}

StateHandle HarnessContext::store(FrozenOperatorState& frozen) {
  const CheckpointId checkpoint{world_.snapshots};
  throw_if_error(
      world_.files.make_directories(std::string(kDirectory) + "/chk-" + to_string(checkpoint)));
  const std::unique_ptr<CheckpointWriter> writer =
      open_checkpoint_writer(world_.files, kDirectory, checkpoint);
  return value_or_throw(frozen.write(*writer, "operator"));
}

}  // namespace weir::testing
