// SPDX-License-Identifier: Apache-2.0
// The calls a subtask makes, in the same pieces.
#include "bench/micro/operator_driver.h"

#include <algorithm>

namespace weir::bench {
namespace {

// As in taskmanager/task/subtask.cc and taskmanager/threaded_task_scheduler.cc.
constexpr std::size_t kRowsPerFeed = 256;
constexpr std::size_t kUnitsPerCall = 256;
constexpr std::size_t kUnitsPerStep = 4096;

}  // namespace

OperatorHost::OperatorHost()
    : info_{.job = JobId{1},
            .job_name = "bench",
            .id = OperatorId{"measured"},
            .name = "measured",
            .subtask = SubtaskIndex{0},
            .parallelism = Parallelism{1},
            .max_parallelism = MaxParallelism{128},
            .attempt = AttemptNumber{1},
            .key_groups = {0, 128}} {}

void OperatorHost::run_blocking(std::function<void()> work, std::function<void()> done) {
  work();
  done();
}

void OperatorHost::post(std::function<void()> mail) { mail(); }

OperatorDriver::OperatorDriver(Operator& op, BatchConsumer& output) : op_(op) {
  for (OutputPort* port : op_.outputs()) port->connect(output);
  op_.open(host_);
}

void OperatorDriver::feed(Batch& batch) {
  for (std::size_t begin = 0; begin < batch.size(); begin += kRowsPerFeed) {
    const std::size_t end = std::min(begin + kRowsPerFeed, batch.size());
    op_.process_batch(InputIndex{0}, BatchView{batch, begin, end, false});
  }
  rows_since_tidy_ += batch.size();
  if (rows_since_tidy_ >= kUnitsPerStep) {
    host_.tidy();
    rows_since_tidy_ = 0;
  }
}

void OperatorDriver::watermark(EventTime time) {
  for (Progress progress = Progress::kMore; progress == Progress::kMore;) {
    Budget budget(kUnitsPerCall);
    progress = op_.advance_watermark(Watermark{time}, budget);
  }
  flush();
}

void OperatorDriver::finish() {
  watermark(EventTime::max());
  for (Progress progress = Progress::kMore; progress == Progress::kMore;) {
    Budget budget(kUnitsPerCall);
    progress = op_.finish(budget);
  }
  flush();
  op_.close();
}

void OperatorDriver::flush() {
  for (OutputPort* port : op_.outputs()) port->flush();
}

}  // namespace weir::bench
