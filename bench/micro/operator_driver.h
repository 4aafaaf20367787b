// SPDX-License-Identifier: Apache-2.0
// OperatorDriver: calls one operator as a subtask does, without one.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/posix_file_store.h"
#include "core/operator.h"

namespace weir::bench {

/// The host's side of an operator whose state is fresh and never stored.
class OperatorHost final : public OperatorContext, private StateRegistry {
 public:
  OperatorHost();

  const OperatorInfo& info() const override { return info_; }
  const Clock& clock() const override { return clock_; }
  MetricGroup& metrics() override { return metrics_; }
  StateRegistry& state() override { return *this; }
  FileStore& files() override { return files_; }
  void run_blocking(std::function<void()> work, std::function<void()> done) override;
  void post(std::function<void()> mail) override;
  void wake_at(ProcessingTime) override {}
  void send_hint(std::string) override {}
  void report_committed(CheckpointId) override {}

  void tidy() {
    for (StateTable* table : tables_) table->tidy();
  }

 private:
  void add(StateTable& table) override { tables_.push_back(&table); }
  bool is_restored() const override { return false; }

  OperatorInfo info_;
  SystemClock clock_;
  MetricGroup metrics_;
  PosixFileStore files_;
  std::vector<StateTable*> tables_;
};

/// Feeds an operator in the pieces in which a subtask does, and tidies its state as often.
class OperatorDriver {
 public:
  OperatorDriver(Operator& op, BatchConsumer& output);

  void feed(Batch& batch);
  void watermark(EventTime time);
  /// Event time to its end, then `finish` and what it emits.
  void finish();

 private:
  void flush();

  OperatorHost host_;
  Operator& op_;
  std::size_t rows_since_tidy_ = 0;
};

}  // namespace weir::bench
