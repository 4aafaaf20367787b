// SPDX-License-Identifier: Apache-2.0
// Storage operations as closures that may block, and what their outcomes mean.
#include "jobmanager/checkpoint/completed_checkpoint_store.h"

#include <algorithm>
#include <utility>

#include "base/fault_point.h"
#include "base/logging.h"
#include "core/mutants.h"

namespace weir {
namespace {

constexpr int kTries = 6;
constexpr Duration kRetryDelay = std::chrono::milliseconds{100};
Status status_of(const Status& status) { return status; }
template <class T>
Status status_of(const Result<T>& result) {
  return result.status();
}

// Only these say that it is not known what happened; any other failure means: surely not.
bool is_ambiguous(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded || status.code() == StatusCode::kUnknown;
}

StoreOutcome outcome_of(const Status& status) {
  if (status.is_ok()) return StoreOutcome::kStored;
  return is_ambiguous(status) ? StoreOutcome::kUnknown : StoreOutcome::kNotStored;
}

Status record(const CheckpointStorageAccess& access, CheckpointId checkpoint) {
  return access.ha ? access.ha->record_checkpoint(access.job, access.epoch, checkpoint)
                   : Status::ok();
}

Status prepare_now(CheckpointStorage& storage, const PrepareDirectory& command) {
  return command.savepoint.empty() ? storage.begin(command.id)
                                   : storage.begin_savepoint(command.id, command.savepoint);
}

Status publish_now(const CheckpointStorageAccess& access, const StoreMetadata& command) {
  const CheckpointMetadata& metadata = command.metadata;
  fault_point("checkpoint-acknowledged");
  if (!command.savepoint.empty()) {
    WEIR_RETURN_IF_ERROR(access.storage->publish_savepoint(metadata, command.savepoint));
    if (metadata.kind == CheckpointKind::kSavepoint) return Status::ok();
  }
  // What a job stops with is also its latest checkpoint, which refers to the savepoint's files:
  // whatever happens during the commits, nothing older is restored by itself (C17).
  WEIR_RETURN_IF_ERROR(access.storage->publish(metadata));
  fault_point("checkpoint-published");
  return record(access, metadata.id);
}

Result<bool> read_back_now(const CheckpointStorageAccess& access, const ReadBack& command) {
  if (command.kind == CheckpointKind::kSavepoint) {
    return access.storage->read_back_savepoint(command.savepoint);
  }
  WEIR_ASSIGN_OR_RETURN(const bool is_published, access.storage->read_back(command.id));
  if (is_published) WEIR_RETURN_IF_ERROR(record(access, command.id));
  return is_published;
}

Result<CheckpointMetadata> read_now(CheckpointStorage& storage, CheckpointId checkpoint,
                                    const std::string& claimed) {
  if (!claimed.empty()) {
    Result<CheckpointMetadata> metadata = storage.read(claimed);
    if (metadata.status().code() != StatusCode::kNotFound) return metadata;
    return data_loss(metadata.status().message());
  }
  WEIR_ASSIGN_OR_RETURN(const std::vector<StoredCheckpoint> stored, storage.list());
  const auto found = std::ranges::find(stored, checkpoint, &StoredCheckpoint::id);
  if (found == stored.end()) {
    return data_loss("checkpoint " + to_string(checkpoint) + " is gone from " +
                     storage.directory());
  }
  Result<CheckpointMetadata> metadata = storage.read(found->path);
  if (metadata.status().code() == StatusCode::kNotFound) {
    return data_loss(metadata.status().message());
  }
  return metadata;
}

Result<RecoveredCheckpoints> recover_now(CheckpointStorage& storage,
                                         const std::optional<RestorePoint>& point) {
  RecoveredCheckpoints recovered;
  WEIR_ASSIGN_OR_RETURN(recovered.highest, storage.highest_id());
  WEIR_ASSIGN_OR_RETURN(const std::vector<StoredCheckpoint> stored, storage.list());
  if (!point) return recovered;  // what others left here stays
  const CheckpointMetadata* const restore = &point->metadata;
  recovered.highest = std::max(recovered.highest, restore->id);
  if (!point->is_claimed && !WEIR_MUTANT(B19)) return recovered;  // nor is this one ours to delete
  if (!point->path.empty() && parent_directory(point->path) != storage.directory()) {
    recovered.claimed_path = point->path;
  }
  const auto restored = std::ranges::find(stored, restore->id, &StoredCheckpoint::id);
  bool is_here = restored != stored.end();
  if (is_here) {
    const Result<CheckpointMetadata> metadata = storage.read(restored->path);
    if (metadata.status().retry() == RetryHint::kWithBackoff) return metadata.status();
    is_here = metadata.is_ok() && *metadata == *restore;  // or it only has the same id
  }
  if (is_here) {
    for (auto each = stored.begin(); each <= restored; ++each) {
      recovered.retained.push_back(each->id);
    }
  } else if (!recovered.claimed_path.empty()) {
    recovered.retained.push_back(restore->id);
  }
  return recovered;
}

}  // namespace

CompletedCheckpointStore::CompletedCheckpointStore(Executor& executor, BlockingExecutor& blocking,
                                                   CheckpointStorageAccess access)
    : executor_(executor),
      blocking_(blocking),
      access_(std::make_shared<const CheckpointStorageAccess>(std::move(access))) {}

template <class T>
void CompletedCheckpointStore::run(std::function<T()> work, std::function<void(T)> done) {
  // `finish` runs on the executor; this object may be gone by then.
  auto finish = [this, alive = std::weak_ptr<bool>(alive_), done = std::move(done)](T result) {
    if (alive.expired()) return;
    is_running_ = false;
    if (done) done(std::move(result));
    if (!alive.expired()) start_next();
  };
  queue_.push_back([this, work = std::move(work), finish = std::move(finish)]() mutable {
    blocking_.run([&executor = executor_, work = std::move(work), finish = std::move(finish)] {
      executor.post([finish, result = work()]() mutable { finish(std::move(result)); });
    });
  });
  start_next();
}

template <class T>
void CompletedCheckpointStore::run_with_retries(std::function<T()> work,
                                                std::function<void(T)> done, int tries_left) {
  run<T>(work, [this, work, done, tries_left](T result) {
    const Status status = status_of(result);
    if (status.is_ok() || status.retry() == RetryHint::kNo || tries_left <= 1) {
      return done(std::move(result));
    }
    ++num_waiting_;
    const auto again = [this, work, done, tries_left, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      --num_waiting_;
      run_with_retries<T>(work, done, tries_left - 1);
    };
    executor_.post_after(kRetryDelay * (1 << (kTries - tries_left)), again);
  });
}

void CompletedCheckpointStore::start_next() {
  if (is_running_) return;
  if (!queue_.empty()) {
    is_running_ = true;
    auto next = std::move(queue_.front());
    queue_.pop_front();
    next();
  } else if (is_idle() && when_idle_) {
    executor_.post(
        [alive = std::weak_ptr<bool>(alive_), done = std::exchange(when_idle_, nullptr)] {
          if (!alive.expired()) done();
        });
  }
}

void CompletedCheckpointStore::when_idle(std::function<void()> done) {
  when_idle_ = std::move(done);
  start_next();
}

void CompletedCheckpointStore::recover(std::optional<RestorePoint> restore,
                                       std::function<void(Result<RecoveredCheckpoints>)> done) {
  run_with_retries<Result<RecoveredCheckpoints>>(
      [access = access_, restore = std::move(restore)] {
        return recover_now(*access->storage, restore);
      },
      [this, done = std::move(done)](Result<RecoveredCheckpoints> recovered) {
        if (recovered.is_ok() && !recovered->claimed_path.empty()) {
          claimed_.emplace(recovered->retained.back(), recovered->claimed_path);
        }
        done(std::move(recovered));
      },
      kTries);
}

void CompletedCheckpointStore::prepare(const PrepareDirectory& command,
                                       std::function<void(Status)> done) {
  run<Status>([access = access_, command] { return prepare_now(*access->storage, command); },
              std::move(done));
}

void CompletedCheckpointStore::publish(StoreMetadata command, Answer done) {
  run<Status>(
      [access = access_, command = std::move(command)] { return publish_now(*access, command); },
      [this, done = std::move(done)](Status status) {
        // Runs of earlier checkpoints that never were complete are known to be unused only now.
        if (status.is_ok()) discard_unused_runs();
        done(outcome_of(status), status);
      });
}

void CompletedCheckpointStore::read_back(const ReadBack& command, Answer done) {
  const auto answer = [this, done = std::move(done)](const Result<bool>& is_published) {
    // What is there but damaged is no checkpoint; any other failure says nothing.
    const bool is_damaged = is_published.status().code() == StatusCode::kDataLoss;
    if (is_published.is_ok() && *is_published) {
      discard_unused_runs();
      return done(StoreOutcome::kStored, Status::ok());
    }
    if (is_published.is_ok()) return done(StoreOutcome::kNotStored, unavailable("not stored"));
    done(is_damaged ? StoreOutcome::kNotStored : StoreOutcome::kUnknown, is_published.status());
  };
  run<Result<bool>>([access = access_, command] { return read_back_now(*access, command); },
                    answer);
}

void CompletedCheckpointStore::read(CheckpointId checkpoint,
                                    std::function<void(Result<CheckpointMetadata>)> done) {
  run_with_retries<Result<CheckpointMetadata>>(
      [access = access_, checkpoint, claimed = claimed_path(checkpoint)] {
        return read_now(*access->storage, checkpoint, claimed);
      },
      std::move(done), kTries);
}

void CompletedCheckpointStore::discard(CheckpointId checkpoint) {
  // A job that stopped with a savepoint has it as a checkpoint of its own as well.
  const std::string claimed = claimed_path(checkpoint);
  if (!claimed.empty()) discard_savepoint(claimed);
  const auto work = [access = access_, checkpoint] {
    const Status status = access->storage->discard(checkpoint);
    fault_point("checkpoint-discarded");
    return status;
  };
  discard_with(work, to_string(checkpoint));
}

void CompletedCheckpointStore::discard_savepoint(const std::string& directory) {
  const auto work = [access = access_, directory] {
    return access->storage->discard_savepoint(directory);
  };
  discard_with(work, directory);
}

void CompletedCheckpointStore::discard_with(std::function<Status()> work, const std::string& what) {
  run_with_retries<Status>(
      [work = std::move(work)] {
        const Status status = work();
        return status.code() == StatusCode::kNotFound ? Status::ok() : status;
      },
      [what](const Status& status) {
        if (status.is_ok()) return;
        log_warning("files of a checkpoint could not be deleted",
                    {{"checkpoint", what}, {"reason", status}});
      },
      kTries);
  discard_unused_runs();
}

void CompletedCheckpointStore::discard_unused_runs() {
  run_with_retries<Status>(
      [access = access_] { return access->storage->discard_unused_runs(); },
      [](const Status& status) {
        if (status.is_ok()) return;
        log_warning("runs that no checkpoint needs could not be deleted", {{"reason", status}});
      },
      kTries);
}

}  // namespace weir
