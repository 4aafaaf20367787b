// SPDX-License-Identifier: Apache-2.0
// Storage operations as closures that may block, and what their outcomes mean.
#include "jobmanager/checkpoint/completed_checkpoint_store.h"

#include <algorithm>
#include <utility>

#include "base/fault_point.h"
#include "base/logging.h"

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

Status publish_now(const CheckpointStorageAccess& access, const CheckpointMetadata& metadata) {
  fault_point("checkpoint-acknowledged");
  WEIR_RETURN_IF_ERROR(access.storage->publish(metadata));
  fault_point("checkpoint-published");
  return record(access, metadata.id);
}

Result<bool> read_back_now(const CheckpointStorageAccess& access, CheckpointId checkpoint) {
  WEIR_ASSIGN_OR_RETURN(const bool is_published, access.storage->read_back(checkpoint));
  if (is_published) WEIR_RETURN_IF_ERROR(record(access, checkpoint));
  return is_published;
}

Result<CheckpointMetadata> read_now(CheckpointStorage& storage, CheckpointId checkpoint) {
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
                                         const std::optional<CheckpointMetadata>& restore) {
  RecoveredCheckpoints recovered;
  WEIR_ASSIGN_OR_RETURN(recovered.highest, storage.highest_id());
  WEIR_ASSIGN_OR_RETURN(const std::vector<StoredCheckpoint> stored, storage.list());
  if (!restore) return recovered;  // what others left here stays
  recovered.highest = std::max(recovered.highest, restore->id);
  const auto restored = std::ranges::find(stored, restore->id, &StoredCheckpoint::id);
  if (restored == stored.end()) return recovered;  // it lies in another directory
  const Result<CheckpointMetadata> metadata = storage.read(restored->path);
  if (metadata.status().retry() == RetryHint::kWithBackoff) return metadata.status();
  if (!metadata.is_ok() || *metadata != *restore) return recovered;  // it only has the same id
  for (auto each = stored.begin(); each <= restored; ++each) recovered.retained.push_back(each->id);
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

void CompletedCheckpointStore::recover(std::optional<CheckpointMetadata> restore,
                                       std::function<void(Result<RecoveredCheckpoints>)> done) {
  run_with_retries<Result<RecoveredCheckpoints>>(
      [access = access_, restore = std::move(restore)] {
        return recover_now(*access->storage, restore);
      },
      std::move(done), kTries);
}

void CompletedCheckpointStore::prepare(CheckpointId checkpoint, std::function<void(Status)> done) {
  run<Status>([access = access_, checkpoint] { return access->storage->begin(checkpoint); },
              std::move(done));
}

void CompletedCheckpointStore::publish(CheckpointMetadata metadata, Answer done) {
  run<Status>(
      [access = access_, metadata = std::move(metadata)] { return publish_now(*access, metadata); },
      [this, done = std::move(done)](Status status) {
        // Runs of earlier checkpoints that never were complete are known to be unused only now.
        if (status.is_ok()) discard_unused_runs();
        done(outcome_of(status), status);
      });
}

void CompletedCheckpointStore::read_back(CheckpointId checkpoint, Answer done) {
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
  run<Result<bool>>([access = access_, checkpoint] { return read_back_now(*access, checkpoint); },
                    answer);
}

void CompletedCheckpointStore::read(CheckpointId checkpoint,
                                    std::function<void(Result<CheckpointMetadata>)> done) {
  run_with_retries<Result<CheckpointMetadata>>(
      [access = access_, checkpoint] { return read_now(*access->storage, checkpoint); },
      std::move(done), kTries);
}

void CompletedCheckpointStore::discard(CheckpointId checkpoint) {
  run_with_retries<Status>(
      [access = access_, checkpoint] {
        const Status status = access->storage->discard(checkpoint);
        fault_point("checkpoint-discarded");
        return status.code() == StatusCode::kNotFound ? Status::ok() : status;
      },
      [checkpoint](const Status& status) {
        if (status.is_ok()) return;
        log_warning("files of a checkpoint could not be deleted",
                    {{"checkpoint", checkpoint}, {"reason", status}});
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
