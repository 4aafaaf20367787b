// SPDX-License-Identifier: Apache-2.0
// SubtaskContext: what a subtask offers one of its operators.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/operator_context.h"
#include "state/state_backend.h"
#include "taskmanager/task/mailbox.h"
#include "taskmanager/task/subtask_environment.h"

namespace weir {

/// The host's side of one operator. Lives as long as the subtask, longer than the operator.
class SubtaskContext final : public OperatorContext {
 public:
  /// Runs a closure as this operator on the subtask's thread, unless the attempt has ended.
  using RunAsOperator = std::function<void(const Mail&)>;

  struct Setup {
    OperatorInfo info;
    VertexId vertex;
    /// Where hints go; none if no enumerator feeds the subtask.
    std::optional<AttemptId> enumerator;
    std::shared_ptr<Mailbox> mailbox;
    RunAsOperator run;
  };

  SubtaskContext(SubtaskEnvironment& environment, Setup setup)
      : environment_(environment), setup_(std::move(setup)) {}

  const OperatorInfo& info() const override { return setup_.info; }
  const Clock& clock() const override { return environment_.clock; }
  MetricGroup& metrics() override { return metrics_; }
  StateRegistry& state() override { return *backend_; }
  FileStore& files() override { return environment_.files; }

  void run_blocking(std::function<void()> work, std::function<void()> done) override;
  void post(std::function<void()> mail) override;
  void wake_at(ProcessingTime time) override { wake_time_ = std::min(wake_time_, time); }
  void send_hint(std::string payload) override;
  void report_committed(CheckpointId checkpoint) override;

  // What follows is the subtask's side.

  void set_backend(std::unique_ptr<OperatorStateBackend> backend) { backend_ = std::move(backend); }
  OperatorStateBackend& backend() { return *backend_; }
  /// What the operator has counted, less the records that passed it.
  OperatorReport report() const;

  /// When the operator wants to be polled; `ProcessingTime::max()` if it did not say.
  ProcessingTime wake_time() const { return wake_time_; }
  void clear_wake_time() { wake_time_ = ProcessingTime::max(); }

 private:
  SubtaskEnvironment& environment_;
  const Setup setup_;
  MetricGroup metrics_;  // of this operator in this attempt alone
  std::unique_ptr<OperatorStateBackend> backend_;
  ProcessingTime wake_time_ = ProcessingTime::max();
};

}  // namespace weir
