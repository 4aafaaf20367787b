// SPDX-License-Identifier: Apache-2.0
// OperatorChain: the operators of one subtask, wired to each other and to the edges that leave it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/operator.h"
#include "core/program.h"
#include "core/router.h"
#include "taskmanager/io/result_partition.h"

namespace weir {

/// Holds the operators of a chain in topological order, the head first, and drives what must pass
/// through them in that order: watermarks, processing time, the end of input, snapshots.
///
/// Such work is done in bounded calls and one piece at a time. Before a watermark or end goes from
/// an operator to those behind it, what the operator has emitted goes.
///
/// Errors: what an operator throws passes through; `running` then names the operator.
/// Thread: the subtask's.
class OperatorChain {
 public:
  /// `partitions` belong to the edges out of the vertex, in the order of the job graph.
  OperatorChain(const Program& program, SubtaskId subtask,
                std::vector<std::unique_ptr<ResultPartition>> partitions);
  ~OperatorChain();
  OperatorChain(const OperatorChain&) = delete;
  OperatorChain& operator=(const OperatorChain&) = delete;

  std::size_t size() const { return links_.size(); }
  Operator& head() { return *links_.front().op; }

  /// Opens the operator at `position`. Called from the last to the first.
  void open(std::size_t position, OperatorContext& context);
  /// Closes what was opened, the head first. May be called twice.
  void close() noexcept;

  // --- records ---

  /// Gets the head ready for a batch. kMore: not yet; ask again after the next mail.
  Progress prepare(InputIndex input, const BatchPtr& batch);
  /// Feeds rows `[begin, end)` to the head.
  void feed(InputIndex input, const BatchPtr& batch, std::size_t begin, std::size_t end);
  PollResult poll(Budget& budget);
  /// Runs a closure that may touch the operator at `position`.
  void run_as(std::size_t position, const std::function<void()>& closure);
  /// Hands on everything emitted so far, through the chain and into the channels.
  void flush();

  // --- work that passes through the chain ---

  /// Each requires: no work under way.
  void begin_watermark(Watermark watermark, std::optional<WatermarkStatus> status_after);
  void begin_processing_time(ProcessingTime now);
  /// Event time to its end and `finish`, operator by operator, then `EndOfInput`.
  void begin_end();
  bool has_work() const { return work_.kind != Work::Kind::kNone; }
  /// Goes on with the work under way until it is done or the budget is exhausted.
  void work(Budget& budget);

  /// The earliest time an operator has processing-time work for.
  ProcessingTime next_processing_time() const;

  // --- checkpoints ---

  /// Requires: no work under way.
  void prepare_snapshot(const CheckpointBarrier& barrier);
  void notify_complete(CheckpointId checkpoint);
  void notify_aborted(CheckpointId checkpoint);

  // --- outputs ---

  void broadcast(const StreamElement& element);
  bool has_room() const;
  void drain();
  void close_outputs(ChannelClose how);
  void set_waker(const std::shared_ptr<Waker>& waker);

  // --- what people see ---

  /// The operator that is being called, or was when an exception passed; none outside of calls.
  std::optional<std::size_t> running() const { return running_; }
  void clear_running() { running_.reset(); }
  EventTime watermark() const { return watermark_; }
  std::uint64_t records_in(std::size_t position) const { return links_[position].records_in; }
  std::uint64_t records_out(std::size_t position) const;

 private:
  class Chained;
  class Tee;
  class Discard;

  struct Edge {
    std::unique_ptr<Router> router;
    std::unique_ptr<ResultPartition> partition;
  };
  struct Link {
    std::unique_ptr<Operator> op;
    std::uint64_t records_in = 0;
    std::vector<std::size_t> edges;  // positions in edges_ of those that leave this operator
  };
  struct Work {
    enum class Kind { kNone, kWatermark, kProcessingTime, kEnd };
    enum class Stage { kAdvance, kFinish };
    Kind kind = Kind::kNone;
    std::size_t position = 0;
    Stage stage = Stage::kAdvance;  // of an end
    Watermark watermark{};
    ProcessingTime now;
    std::optional<WatermarkStatus> status_after;
  };

  void connect_outputs(const JobGraph& graph, VertexId vertex, std::size_t position);
  void process(std::size_t position, InputIndex input, const BatchView& view);
  Progress work_on(std::size_t position, Budget& budget);
  void flush_operator(std::size_t position);
  void pass_on(std::size_t position);
  void end_work();
  // Calls `call` as the operator at `position`.
  template <class Call>
  auto as(std::size_t position, Call&& call);

  std::vector<Link> links_;
  std::vector<Edge> edges_;
  std::vector<std::unique_ptr<BatchConsumer>> consumers_;  // what is between operators
  std::size_t first_open_;  // operators from here on have been opened
  std::optional<std::size_t> running_;
  Work work_;
  EventTime watermark_ = EventTime::none();
};

}  // namespace weir
