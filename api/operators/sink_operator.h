// SPDX-License-Identifier: Apache-2.0
// SinkOperator: runs a connector's writer as the end of a chain.
#pragma once

#include <weir/connector.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "api/graph/stream_graph.h"
#include "core/operator.h"

namespace weir::detail {

/// Hands batches to a writer, and barriers and completed checkpoints to its commits.
template <class T>
class SinkOperator final : public Operator {
 public:
  explicit SinkOperator(std::unique_ptr<SinkWriter<T>> writer) : writer_(std::move(writer)) {}

  void open(OperatorContext& context) override { writer_->open(context); }
  void process_batch(InputIndex, BatchView view) override {
    writer_->write(view.typed<T>(), view.begin, view.end);
  }
  ProcessingTime next_processing_time() const override { return writer_->next_processing_time(); }
  Progress on_processing_time(ProcessingTime now, Budget& budget) override {
    writer_->on_processing_time(now);
    budget.spend(1);
    return Progress::kDone;
  }
  Progress finish(Budget&) override {
    writer_->finish();
    return Progress::kDone;
  }
  void prepare_stop() override { writer_->prepare_stop(); }
  void prepare_snapshot(CheckpointId checkpoint) override { writer_->prepare_commit(checkpoint); }
  void notify_checkpoint_complete(CheckpointId checkpoint) override { writer_->commit(checkpoint); }
  void close() noexcept override { writer_->close(); }
  std::span<OutputPort* const> outputs() override { return {}; }

 private:
  std::unique_ptr<SinkWriter<T>> writer_;
};

template <class T, class Sink>
Transformation sink_transformation(std::string id, const Sink& sink) {
  Transformation result{.id = std::move(id), .type = "sink"};
  result.kind = OperatorKind::kSink;
  result.mistakes = sink.validate();
  if constexpr (requires { sink.commits(); }) result.commits = sink.commits();
  if constexpr (requires { sink.states(); }) result.states = sink.states();
  result.factory = [sink] { return std::make_unique<SinkOperator<T>>(sink.make_writer()); };
  return result;
}

}  // namespace weir::detail
