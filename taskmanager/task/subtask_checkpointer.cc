// SPDX-License-Identifier: Apache-2.0
// The steps of a checkpoint in a subtask. Their order is the protocol.
#include "taskmanager/task/subtask_checkpointer.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/fault_point.h"
#include "base/hash.h"
#include "base/logging.h"
#include "core/mutants.h"

namespace weir {

/// What is written in the background.
struct SubtaskCheckpointer::Frozen {
  std::vector<OperatorId> ids;
  std::vector<std::unique_ptr<FrozenOperatorState>> states;
  std::int64_t alignment_nanos = 0;
  std::int64_t freeze_nanos = 0;
};

/// What came of it. Travels in a mail, which must be copyable.
struct SubtaskCheckpointer::Written {
  Status status;
  std::shared_ptr<WrittenFiles> files;
  AcknowledgeCheckpoint message;
};

WrittenFiles::~WrittenFiles() {
  if (paths_.empty()) return;
  background_->run([&files = files_, paths = std::move(paths_)] {
    for (const std::string& path : paths) {
      const Status status = files.remove(path);
      if (!status.is_ok() && status.code() != StatusCode::kNotFound) {
        log_warning("a file of an abandoned snapshot stays behind",
                    {{"path", path}, {"reason", status}});
      }
    }
  });
}

void SubtaskCheckpointer::take(const CheckpointBarrier& barrier, std::int64_t alignment_nanos) {
  const std::int64_t start = environment_.clock.monotonic_nanos();
  // 1. Operators emit what must be in front of the barrier; it goes down the chain and out.
  chain_.prepare_snapshot(barrier);
  // 2. The barrier goes on. Consumers align while we freeze.
  chain_.broadcast(barrier);
  if (writes_ >= kWritesMax) {
    chain_.notify_aborted(barrier.id);
    decline(barrier.id, resource_exhausted(fmt::format(
                            "{} snapshots of this subtask are still being written", writes_)));
    return;
  }
  // 3. The state of each operator is frozen as it is between the records on either side.
  auto frozen = std::make_unique<Frozen>();
  for (std::size_t i = 0; i < contexts_.size(); ++i) {
    chain_.run_as(i, [&] { frozen->states.push_back(contexts_[i]->backend().freeze(barrier)); });
    frozen->ids.push_back(contexts_[i]->info().id);
  }
  frozen->alignment_nanos = alignment_nanos;
  frozen->freeze_nanos = environment_.clock.monotonic_nanos() - start;
  taken_[barrier.id] = State::kWriting;
  // 4. Records flow again; 5. what was frozen is written meanwhile.
  write_in_background(barrier, std::move(frozen));
}

void SubtaskCheckpointer::write_in_background(const CheckpointBarrier& barrier,
                                              std::unique_ptr<Frozen> frozen) {
  ++writes_;
  auto work = [barrier, checkpoint = barrier.id, this, setup = setup_, &environment = environment_,
               subtask = setup_.subtask(), shared = std::shared_ptr<Frozen>(std::move(frozen))] {
    const std::int64_t start = environment.clock.monotonic_nanos();
    Written written;
    written.files = std::make_shared<WrittenFiles>(environment.files, environment.background);
    written.message = {.attempt = setup.attempt,
                       .checkpoint = checkpoint,
                       .snapshot = {},
                       .alignment_nanos = shared->alignment_nanos,
                       .freeze_nanos = shared->freeze_nanos};
    try {
      const auto writer = environment.make_writer(setup.directory, barrier);
      for (std::size_t i = 0; i < shared->states.size() && written.status.is_ok(); ++i) {
        // No other operator, subtask or attempt writes under this name.
        const std::string name =
            fmt::format("{:016x}-{}-{}", xxh3_64(shared->ids[i].value()),
                        setup.attempt.subtask.index.value(), setup.attempt.attempt.value());
        Result<StateHandle> handle = shared->states[i]->write(*writer, name);
        written.status = handle.status().with_context("operator '" + shared->ids[i].value() + "'");
        if (!handle.is_ok()) break;
        written.files->add(*handle);
        written.message.snapshot.operators.push_back({shared->ids[i], std::move(*handle)});
        shared->states[i].reset();
      }
    } catch (const std::exception& error) {
      written.status = internal_error(std::string("writing a snapshot: ") + error.what());
    }
    fault_point("subtask.snapshot-written");
    written.message.write_nanos = environment.clock.monotonic_nanos() - start;
    // 6. As mail, so that an abort and the end of the attempt have been seen before it or not.
    setup.mailbox->post(
        [this, checkpoint, written = std::move(written)] { on_written(checkpoint, written); });
  };
  environment_.background->run(std::move(work));
}

void SubtaskCheckpointer::on_written(CheckpointId checkpoint, const Written& written) {
  --writes_;
  const auto taken = taken_.find(checkpoint);
  // 7a. Aborted meanwhile: the files go with `written`.
  if (taken == taken_.end()) return;
  // 7b. Failed: so do those written before the failure.
  if (!written.status.is_ok()) {
    taken_.erase(taken);
    decline(checkpoint, written.status);
    chain_.notify_aborted(checkpoint);
    return;
  }
  // 7c. Acknowledged: from here on the files are the JobManager's.
  taken->second = State::kAcknowledged;
  written.files->keep();
  fault_point("subtask.acknowledge");
  environment_.host.deliver(setup_.attempt, written.message);
}

void SubtaskCheckpointer::decline(CheckpointId checkpoint, Status reason) {
  environment_.host.deliver(setup_.attempt,
                            DeclineCheckpoint{setup_.attempt, checkpoint, std::move(reason)});
}

void SubtaskCheckpointer::complete(CheckpointId checkpoint) {
  if (checkpoint <= last_complete_) return;
  if (WEIR_MUTANT(B6) && !taken_.empty() && taken_.begin()->first != checkpoint) return;
  last_complete_ = checkpoint;
  taken_.erase(taken_.begin(), taken_.upper_bound(checkpoint));
  chain_.notify_complete(checkpoint);
}

void SubtaskCheckpointer::abort(CheckpointId checkpoint) {
  if (taken_.erase(checkpoint) > 0) chain_.notify_aborted(checkpoint);
}

}  // namespace weir
