// SPDX-License-Identifier: Apache-2.0
// Wiring the operators of a chain, and passing work through them.
#include "taskmanager/task/operator_chain.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

// Whether nobody else holds the batch. Where another thread has just let go of it, taking and
// dropping a reference orders its reads before our writes, which the count alone does not.
bool is_unique(const BatchPtr& batch) {
  if (batch.use_count() != 1) return false;
  const BatchPtr order = batch;
  return true;
}

}  // namespace

/// Feeds an operator from the one before it.
class OperatorChain::Chained final : public BatchConsumer {
 public:
  Chained(OperatorChain& chain, std::size_t position) : chain_(chain), position_(position) {}
  void consume(BatchPtr batch) override {
    const bool unique = is_unique(batch);
    chain_.process(position_, InputIndex{0}, BatchView{*batch, 0, batch->size(), unique});
  }

 private:
  OperatorChain& chain_;
  const std::size_t position_;
};

/// Gives each batch to several consumers, who share it.
class OperatorChain::Tee final : public BatchConsumer {
 public:
  explicit Tee(std::vector<BatchConsumer*> consumers) : consumers_(std::move(consumers)) {}
  void consume(BatchPtr batch) override {
    for (BatchConsumer* consumer : consumers_) consumer->consume(batch);
  }

 private:
  const std::vector<BatchConsumer*> consumers_;
};

/// Takes the batches of an output that nobody reads.
class OperatorChain::Discard final : public BatchConsumer {
 public:
  void consume(BatchPtr) override {}
};

template <class Call>
auto OperatorChain::as(std::size_t position, Call&& call) {
  // Not restored when `call` throws: that is how the failing operator is known.
  const std::optional<std::size_t> caller = std::exchange(running_, position);
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    running_ = caller;
  } else {
    auto result = call();
    running_ = caller;
    return result;
  }
}

OperatorChain::OperatorChain(const Program& program, SubtaskId subtask,
                             std::vector<std::unique_ptr<ResultPartition>> partitions) {
  const JobGraph& graph = program.graph;
  const JobVertex& vertex = graph.vertex(subtask.vertex);
  for (const OperatorFactory& make : program.operators[subtask.vertex.value()]) {
    links_.push_back({make(), 0, {}});
  }
  WEIR_CHECK_EQ(links_.size(), vertex.operators.size());
  first_open_ = links_.size();
  auto partition = partitions.begin();
  for (std::size_t i = 0; i < graph.edges.size(); ++i) {
    const JobEdge& edge = graph.edges[i];
    if (edge.from != subtask.vertex) continue;
    WEIR_CHECK(partition != partitions.end());
    const JobVertex& to = graph.vertex(edge.to);
    auto router = program.routers[i]({subtask.index, to.parallelism, to.max_parallelism});
    router->connect(**partition);
    links_[edge.from_operator].edges.push_back(edges_.size());
    edges_.push_back({std::move(router), std::move(*partition++)});
  }
  for (std::size_t i = 0; i < links_.size(); ++i) connect_outputs(graph, subtask.vertex, i);
}

OperatorChain::~OperatorChain() { close(); }

void OperatorChain::connect_outputs(const JobGraph& graph, VertexId vertex, std::size_t position) {
  const std::vector<OperatorSpec>& specs = graph.vertex(vertex).operators;
  const std::span<OutputPort* const> ports = links_[position].op->outputs();
  for (std::uint32_t output = 0; output < ports.size(); ++output) {
    std::vector<BatchConsumer*> readers;
    for (std::size_t i = position + 1; i < specs.size(); ++i) {
      if (specs[i].chained_after != position || specs[i].chained_output.value() != output) continue;
      consumers_.push_back(std::make_unique<Chained>(*this, i));
      readers.push_back(consumers_.back().get());
    }
    std::size_t edge_position = 0;
    for (const JobEdge& edge : graph.edges) {
      if (edge.from != vertex) continue;
      Router* const router = edges_[edge_position++].router.get();
      if (edge.from_operator == position && edge.output.value() == output) {
        readers.push_back(router);
      }
    }
    if (readers.size() != 1) {
      if (readers.empty()) {
        consumers_.push_back(std::make_unique<Discard>());
      } else {
        consumers_.push_back(std::make_unique<Tee>(std::move(readers)));
      }
      readers = {consumers_.back().get()};
    }
    ports[output]->connect(*readers.front());
  }
}

void OperatorChain::open(std::size_t position, OperatorContext& context) {
  WEIR_CHECK_EQ(position + 1, first_open_);
  first_open_ = position;
  as(position, [&] { links_[position].op->open(context); });
}

void OperatorChain::close() noexcept {
  for (std::size_t i = first_open_; i < links_.size(); ++i) links_[i].op->close();
  first_open_ = links_.size();
}

void OperatorChain::process(std::size_t position, InputIndex input, const BatchView& view) {
  Link& link = links_[position];
  link.records_in += view.size();
  as(position, [&] { link.op->process_batch(input, view); });
}

Progress OperatorChain::prepare(InputIndex input, const BatchPtr& batch) {
  return as(
      0, [&] { return head().prepare_batch(input, BatchView{*batch, 0, batch->size(), false}); });
}

void OperatorChain::feed(InputIndex input, const BatchPtr& batch, std::size_t begin,
                         std::size_t end) {
  process(0, input, BatchView{*batch, begin, end, is_unique(batch)});
}

PollResult OperatorChain::poll(Budget& budget) {
  return as(0, [&] { return head().poll(budget); });
}

void OperatorChain::run_as(std::size_t position, const std::function<void()>& closure) {
  as(position, closure);
}

void OperatorChain::flush_operator(std::size_t position) {
  Link& link = links_[position];
  as(position, [&] {
    for (OutputPort* port : link.op->outputs()) port->flush();
    for (const std::size_t edge : link.edges) edges_[edge].router->flush();
  });
}

void OperatorChain::flush() {
  for (std::size_t i = 0; i < links_.size(); ++i) flush_operator(i);
}

void OperatorChain::begin_watermark(Watermark watermark,
                                    std::optional<WatermarkStatus> status_after) {
  WEIR_CHECK(!has_work());
  work_ = {.kind = Work::Kind::kWatermark,
           .watermark = watermark,
           .now = {},
           .status_after = status_after};
}

void OperatorChain::begin_processing_time(ProcessingTime now) {
  WEIR_CHECK(!has_work());
  work_ = {.kind = Work::Kind::kProcessingTime, .now = now, .status_after = {}};
}

void OperatorChain::begin_end() {
  WEIR_CHECK(!has_work());
  work_ = {
      .kind = Work::Kind::kEnd, .watermark = {EventTime::max()}, .now = {}, .status_after = {}};
}

void OperatorChain::work(Budget& budget) {
  while (work_.position < links_.size()) {
    if (budget.exhausted()) return;
    const std::size_t left = budget.left();
    const Progress progress = work_on(work_.position, budget);
    // A call costs something even if the operator does not say so.
    if (budget.left() == left) budget.spend(1);
    if (progress == Progress::kMore) return;
    pass_on(work_.position);
  }
  end_work();
}

Progress OperatorChain::work_on(std::size_t position, Budget& budget) {
  Operator& op = *links_[position].op;
  return as(position, [&] {
    switch (work_.kind) {
      case Work::Kind::kNone: WEIR_UNREACHABLE();
      case Work::Kind::kWatermark: return op.advance_watermark(work_.watermark, budget);
      case Work::Kind::kProcessingTime:
        return op.next_processing_time() <= work_.now ? op.on_processing_time(work_.now, budget)
                                                      : Progress::kDone;
      case Work::Kind::kEnd:
        return work_.stage == Work::Stage::kAdvance ? op.advance_watermark(work_.watermark, budget)
                                                    : op.finish(budget);
    }
    WEIR_UNREACHABLE();
  });
}

// The work is done at `position`: lets what was emitted, and then the watermark, go on.
void OperatorChain::pass_on(std::size_t position) {
  if (work_.kind == Work::Kind::kEnd && work_.stage == Work::Stage::kAdvance) {
    work_.stage = Work::Stage::kFinish;
    return;
  }
  work_.stage = Work::Stage::kAdvance;
  ++work_.position;
  if (work_.kind == Work::Kind::kProcessingTime) return;
  flush_operator(position);
  if (work_.kind == Work::Kind::kWatermark) {
    for (const std::size_t edge : links_[position].edges) {
      edges_[edge].partition->broadcast(work_.watermark);
    }
  }
}

void OperatorChain::end_work() {
  const Work done = std::exchange(work_, Work{});
  if (done.kind != Work::Kind::kProcessingTime) watermark_ = done.watermark.time;
  if (done.kind == Work::Kind::kEnd) broadcast(EndOfInput{});
  if (done.status_after) broadcast(*done.status_after);
}

ProcessingTime OperatorChain::next_processing_time() const {
  ProcessingTime next = ProcessingTime::max();
  for (const Link& link : links_) next = std::min(next, link.op->next_processing_time());
  return next;
}

void OperatorChain::prepare_snapshot(const CheckpointBarrier& barrier) {
  WEIR_CHECK(!has_work());
  for (std::size_t i = 0; i < links_.size(); ++i) {
    as(i, [&] {
      if (barrier.kind == CheckpointKind::kSavepointStop) links_[i].op->prepare_stop();
      links_[i].op->prepare_snapshot(barrier.id);
    });
    flush_operator(i);
  }
}

void OperatorChain::notify_complete(CheckpointId checkpoint) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    as(i, [&] { links_[i].op->notify_checkpoint_complete(checkpoint); });
  }
}

void OperatorChain::notify_aborted(CheckpointId checkpoint) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    as(i, [&] { links_[i].op->notify_checkpoint_aborted(checkpoint); });
  }
}

void OperatorChain::broadcast(const StreamElement& element) {
  for (Edge& edge : edges_) edge.partition->broadcast(element);
}

bool OperatorChain::has_room() const {
  return std::all_of(edges_.begin(), edges_.end(),
                     [](const Edge& edge) { return edge.partition->has_room(); });
}

void OperatorChain::drain() {
  for (Edge& edge : edges_) edge.partition->drain();
}

void OperatorChain::close_outputs(ChannelClose how) {
  for (Edge& edge : edges_) edge.partition->close(how);
}

void OperatorChain::set_waker(const std::shared_ptr<Waker>& waker) {
  for (Edge& edge : edges_) edge.partition->set_waker(waker);
}

std::uint64_t OperatorChain::records_out(std::size_t position) const {
  std::uint64_t count = 0;
  for (const OutputPort* port : links_[position].op->outputs()) count += port->records_out();
  return count;
}

}  // namespace weir
