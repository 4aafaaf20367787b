// SPDX-License-Identifier: Apache-2.0
// Programs of fake operators: they write down what is called and do what the test says.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "core/program.h"

namespace weir::testing {

struct Row {
  std::int64_t value = 0;
};
using RowBatch = TypedBatch<Row>;

inline BatchPtr batch_of(const std::vector<std::int64_t>& values) {
  auto batch = std::make_shared<RowBatch>();
  for (const std::int64_t value : values) batch->append(EventTime{value}, value);
  return batch;
}

inline std::vector<std::int64_t> values_of(const BatchView& view) {
  std::vector<std::int64_t> values;
  for (std::size_t i = view.begin; i < view.end; ++i) {
    values.push_back(view.typed<Row>().rows()[i].value);
  }
  return values;
}
inline std::vector<std::int64_t> values_of(Batch& batch) {
  return values_of(BatchView{batch, 0, batch.size(), false});
}

/// Collects rows, as `Output<Row>` does.
class RowPort final : public OutputPort {
 public:
  void emit(std::int64_t value) {
    if (batch_ == nullptr) batch_ = std::make_shared<RowBatch>();
    batch_->append(EventTime{value}, value);
    ++records_out_;
    if (batch_->full()) flush();
  }
  void flush() override {
    if (batch_ != nullptr) consumer_->consume(std::exchange(batch_, nullptr));
  }

 private:
  std::shared_ptr<RowBatch> batch_;
};

/// Split state: one number that is the operator's own.
class NumberTable final : public StateTable {
 public:
  std::int64_t value = 0;
  bool fails_to_write = false;

  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId) override {
    return std::make_unique<Frozen>(value, fails_to_write);
  }
  void restore(std::uint32_t, ByteView, ByteView bytes) override {
    value += std::stoll(std::string(bytes));
  }
  std::size_t entry_count() const override { return 1; }

 private:
  class Frozen final : public FrozenState {
   public:
    Frozen(std::int64_t value, bool fails) : value_(value), fails_(fails) {}
    Status write(StateEntrySink& sink) override {
      if (fails_) return unavailable("the disk is on fire");
      return sink.entry(0, ByteView(""), ByteView(std::to_string(value_)));
    }

   private:
    const std::int64_t value_;
    const bool fails_;
  };
  const StateDescriptor descriptor_{"number", StateKind::kOperator, StateDistribution::kSplit, "",
                                    ""};
};

class FakeOperator;

/// What a fake operator does. What is not set does nothing, but rows are passed on.
struct Behaviour {
  std::string name;
  std::size_t num_outputs = 1;
  std::function<void(FakeOperator&)> on_open = {};
  std::function<void(FakeOperator&, InputIndex, const BatchView&)> on_rows = {};
  std::function<PollResult(FakeOperator&, Budget&)> on_poll = {};
  std::function<std::optional<Watermark>(FakeOperator&)> watermark = {};
  std::function<WatermarkStatus(FakeOperator&)> status = {};
  std::function<Progress(FakeOperator&, Watermark, Budget&)> on_watermark = {};
  std::function<ProcessingTime(const FakeOperator&)> next_time = {};
  std::function<Progress(FakeOperator&, ProcessingTime, Budget&)> on_time = {};
  std::function<Progress(FakeOperator&, Budget&)> on_finish = {};
  std::function<void(FakeOperator&, CheckpointId)> on_prepare = {};
  std::function<void(FakeOperator&, CheckpointId)> on_complete = {};
  std::function<void(FakeOperator&, SubtaskIndex, std::string_view)> on_hint = {};
  OperatorKind kind = OperatorKind::kTransform;
  /// Position of the operator that feeds it within the chain; by default the one before.
  std::optional<std::uint32_t> after = {};
  std::uint32_t after_output = 0;
};

/// What fake operators were asked to do, in order: "map.rows 1 2".
using Journal = std::vector<std::string>;

class FakeOperator final : public Operator {
 public:
  FakeOperator(const Behaviour& behaviour, Journal& journal)
      : behaviour_(behaviour), journal_(journal), ports_(behaviour.num_outputs) {
    for (RowPort& port : ports_) port_pointers_.push_back(&port);
  }

  OperatorContext& context() { return *context_; }
  RowPort& port(std::size_t i = 0) { return ports_[i]; }
  NumberTable& number() { return number_; }
  void note(const std::string& what) { journal_.push_back(behaviour_.name + "." + what); }

  void open(OperatorContext& context) override {
    context_ = &context;
    note("open");
    context.state().add(number_);
    if (behaviour_.on_open) behaviour_.on_open(*this);
  }
  void process_batch(InputIndex input, BatchView view) override {
    note(fmt::format("rows {}", fmt::join(values_of(view), " ")));
    if (behaviour_.on_rows) {
      behaviour_.on_rows(*this, input, view);
    } else if (!ports_.empty()) {
      for (const std::int64_t value : values_of(view)) port().emit(value);
    }
  }
  PollResult poll(Budget& budget) override {
    return behaviour_.on_poll ? behaviour_.on_poll(*this, budget) : PollResult::kNothing;
  }
  std::optional<Watermark> source_watermark() override {
    return behaviour_.watermark ? behaviour_.watermark(*this) : std::nullopt;
  }
  WatermarkStatus source_status() override {
    return behaviour_.status ? behaviour_.status(*this) : WatermarkStatus::kActive;
  }
  void on_hint(SubtaskIndex from, std::string_view payload) override {
    note(fmt::format("hint {} {}", from.value(), payload));
    if (behaviour_.on_hint) behaviour_.on_hint(*this, from, payload);
  }
  Progress advance_watermark(Watermark watermark, Budget& budget) override {
    note("watermark " + (watermark.time == EventTime::max()
                             ? std::string("max")
                             : std::to_string(watermark.time.millis())));
    return behaviour_.on_watermark ? behaviour_.on_watermark(*this, watermark, budget)
                                   : Progress::kDone;
  }
  ProcessingTime next_processing_time() const override {
    return behaviour_.next_time ? behaviour_.next_time(*this) : ProcessingTime::max();
  }
  Progress on_processing_time(ProcessingTime now, Budget& budget) override {
    note("time");
    return behaviour_.on_time ? behaviour_.on_time(*this, now, budget) : Progress::kDone;
  }
  void end_input(InputIndex input) override { note(fmt::format("end {}", input.value())); }
  Progress finish(Budget& budget) override {
    note("finish");
    return behaviour_.on_finish ? behaviour_.on_finish(*this, budget) : Progress::kDone;
  }
  void prepare_snapshot(CheckpointId checkpoint) override {
    note(fmt::format("prepare {}", checkpoint.value()));
    if (behaviour_.on_prepare) behaviour_.on_prepare(*this, checkpoint);
  }
  void notify_checkpoint_complete(CheckpointId checkpoint) override {
    note(fmt::format("complete {}", checkpoint.value()));
    if (behaviour_.on_complete) behaviour_.on_complete(*this, checkpoint);
  }
  void notify_checkpoint_aborted(CheckpointId checkpoint) override {
    note(fmt::format("aborted {}", checkpoint.value()));
  }
  void close() noexcept override { note("close"); }
  std::span<OutputPort* const> outputs() override { return port_pointers_; }

 private:
  const Behaviour behaviour_;
  Journal& journal_;
  std::vector<RowPort> ports_;
  std::vector<OutputPort*> port_pointers_;
  OperatorContext* context_ = nullptr;
  NumberTable number_;
};

/// Sends whole batches to one channel or to all, or row by row to channel `value % channels`.
class FakeRouter final : public Router {
 public:
  explicit FakeRouter(Partitioning partitioning) : partitioning_(partitioning) {}
  void consume(BatchPtr batch) override {
    const std::uint32_t channels = sender_->channel_count();
    switch (partitioning_) {
      case Partitioning::kForward: sender_->send(ChannelIndex{0}, std::move(batch)); break;
      case Partitioning::kBroadcast:
        for (std::uint32_t i = 0; i < channels; ++i) sender_->send(ChannelIndex{i}, batch);
        break;
      case Partitioning::kHash:
      case Partitioning::kRebalance:
      case Partitioning::kAddressed:
        for (const std::int64_t value : values_of(*batch)) {
          pending_[static_cast<std::uint32_t>(value) % channels].push_back(value);
        }
        break;
    }
  }
  void flush() override {
    for (const auto& [channel, values] : std::exchange(pending_, {})) {
      sender_->send(ChannelIndex{channel}, batch_of(values));
    }
  }

 private:
  const Partitioning partitioning_;
  std::map<std::uint32_t, std::vector<std::int64_t>> pending_;
};

/// Builds a program of chains of fake operators. Vertices are named after their head.
class ProgramBuilder {
 public:
  /// The operators write into `journal`, which must outlive them.
  explicit ProgramBuilder(Journal& journal) : journal_(journal) { program_.graph.name = "job"; }

  VertexId add(std::uint32_t parallelism, const std::vector<Behaviour>& chain) {
    JobVertex vertex;
    vertex.id = VertexId{static_cast<std::uint32_t>(program_.graph.vertices.size())};
    vertex.name = chain.front().name;
    vertex.parallelism = Parallelism{parallelism};
    std::vector<OperatorFactory> factories;
    for (const Behaviour& behaviour : chain) {
      OperatorSpec spec;
      spec.id = OperatorId{behaviour.name};
      spec.name = behaviour.name;
      spec.kind = behaviour.kind;
      if (!vertex.operators.empty()) {
        spec.chained_after =
            behaviour.after.value_or(static_cast<std::uint32_t>(vertex.operators.size()) - 1);
        spec.chained_output = OutputIndex{behaviour.after_output};
      }
      vertex.operators.push_back(std::move(spec));
      factories.push_back([behaviour, &journal = journal_] {
        return std::make_unique<FakeOperator>(behaviour, journal);
      });
    }
    program_.graph.vertices.push_back(std::move(vertex));
    program_.operators.push_back(std::move(factories));
    return program_.graph.vertices.back().id;
  }

  ProgramBuilder& connect(VertexId from, VertexId to,
                          Partitioning partitioning = Partitioning::kForward,
                          std::uint32_t input = 0, std::uint32_t from_operator = 0) {
    JobEdge edge;
    edge.from = from;
    edge.from_operator = from_operator;
    edge.to = to;
    edge.input = InputIndex{input};
    edge.partitioning = partitioning;
    program_.graph.edges.push_back(edge);
    program_.routers.push_back(
        [partitioning](const RouterSetup&) { return std::make_unique<FakeRouter>(partitioning); });
    return *this;
  }

  std::shared_ptr<const Program> build() { return std::make_shared<const Program>(program_); }

 private:
  Journal& journal_;
  Program program_;
};

}  // namespace weir::testing
