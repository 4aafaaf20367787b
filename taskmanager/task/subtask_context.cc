// SPDX-License-Identifier: Apache-2.0
// Turning an operator's requests into mail, background work and messages.
#include "taskmanager/task/subtask_context.h"

#include <exception>
#include <utility>

namespace weir {

void SubtaskContext::run_blocking(std::function<void()> work, std::function<void()> done) {
  // The closure may outlive the subtask, the mail cannot.
  environment_.background->run(
      [work = std::move(work), done = std::move(done), mailbox = setup_.mailbox, this] {
        std::exception_ptr failure;
        try {
          work();
        } catch (...) {
          failure = std::current_exception();
        }
        mailbox->post([this, done, failure] {
          setup_.run([&] {
            if (failure != nullptr) std::rethrow_exception(failure);
            done();
          });
        });
      });
}

void SubtaskContext::post(std::function<void()> mail) {
  setup_.mailbox->post([this, mail = std::move(mail)] { setup_.run(mail); });
}

void SubtaskContext::send_hint(std::string payload) {
  if (!setup_.enumerator) return;
  environment_.host.hint({*setup_.enumerator, setup_.info.subtask, std::move(payload)});
}

void SubtaskContext::report_committed(CheckpointId checkpoint) {
  const OperatorInfo& info = setup_.info;
  const AttemptId attempt{info.job, {setup_.vertex, info.subtask}, info.attempt};
  environment_.host.deliver(attempt, CommitReport{attempt, info.id, checkpoint});
}

OperatorReport SubtaskContext::report() const {
  OperatorReport report;
  report.id = setup_.info.id;
  for (const MetricSample& sample : metrics_.snapshot()) {
    if (sample.name == "numLateRecordsDropped") report.late_records += sample.value;
    if (sample.name == "bad_records") report.bad_records += sample.value;
  }
  if (backend_ != nullptr) {
    report.state_entries = backend_->entry_count();
    report.state_loads = backend_->load_count();
  }
  return report;
}

}  // namespace weir
