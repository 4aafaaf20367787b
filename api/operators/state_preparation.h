// SPDX-License-Identifier: Apache-2.0
// StatePreparation: brings the state of records into memory before they are processed.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "base/check.h"
#include "core/operator.h"

namespace weir::detail {

/// Makes room and loads, off the subtask's thread where the caller can wait.
///
/// Thread: the subtask's. Errors: throws StatusError.
class StatePreparation {
 public:
  /// Gets ready for the next `records` records. `is_evicting()` tells whether tables may lack
  /// entries, `want()` asks them for those that are needed. Returns kMore if the caller is to come
  /// again after the next mail.
  template <class IsEvicting, class Want>
  Progress prepare(OperatorContext& host, std::size_t records, IsEvicting&& is_evicting,
                   Want&& want) {
    if (stage_ == Stage::kWorking) return Progress::kMore;
    if (std::exchange(stage_, Stage::kIdle) == Stage::kLoaded) return done(records);
    if (std::optional<StateWork> work = host.state().make_room(records)) {
      const bool holds_records = work->holds_records;
      run(host, std::move(*work), Stage::kIdle);
      if (holds_records) return Progress::kMore;
    }
    if (!is_evicting()) return done(records);
    want();
    if (std::optional<StateWork> work = host.state().load_wanted()) {
      run(host, std::move(*work), Stage::kLoaded);
      return Progress::kMore;
    }
    return done(records);
  }

  /// Takes `records` of those that `prepare` was done for; false if it was not done for them.
  bool take_prepared(std::size_t records) {
    if (prepared_ < records) return false;
    prepared_ -= records;
    return true;
  }

  /// The same as `prepare` for a caller that cannot wait: blocks. What was prepared before may have
  /// to leave.
  template <class IsEvicting, class Want>
  void prepare_now(OperatorContext& host, std::size_t records, IsEvicting&& is_evicting,
                   Want&& want) {
    prepared_ = 0;
    while (std::optional<StateWork> work = host.state().make_room(records)) {
      if (!work->holds_records) {
        host.run_blocking(std::move(work->work), std::move(work->done));
        break;
      }
      run_now(*work);
    }
    if (!is_evicting()) return;
    want();
    if (std::optional<StateWork> work = host.state().load_wanted()) run_now(*work);
  }

 private:
  enum class Stage { kIdle, kWorking, kLoaded };

  Progress done(std::size_t records) {
    prepared_ = records;
    return Progress::kDone;
  }
  void run(OperatorContext& host, StateWork work, Stage next) {
    if (!work.holds_records) {
      host.run_blocking(std::move(work.work), std::move(work.done));
      return;
    }
    stage_ = Stage::kWorking;
    host.run_blocking(std::move(work.work), [this, next, done = std::move(work.done)] {
      done();
      stage_ = next;
    });
  }
  static void run_now(const StateWork& work) {
    work.work();
    work.done();
  }

  Stage stage_ = Stage::kIdle;
  std::size_t prepared_ = 0;  // records that `prepare` was done for and that have not come yet
};

}  // namespace weir::detail
