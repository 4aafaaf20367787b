// SPDX-License-Identifier: Apache-2.0
// Rows of 32 bytes from one subtask to another of the same process, with everything there is
// between an emit and the operator behind the channel; and a loop that hands full blocks over.
#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "api/operators/batch_routers.h"
#include "api/operators/output_cursor.h"
#include "base/check.h"
#include "base/posix_file_store.h"
#include "bench/comparison.h"
#include "bench/micro/row.h"
#include "state/heap/heap_state_backend.h"
#include "taskmanager/task/subtask.h"
#include "taskmanager/threaded_task_scheduler.h"

namespace weir::bench {
namespace {

constexpr std::size_t kRecords = 4 << 20;
constexpr std::size_t kRowsPerBlock = TypedBatch<Row>::kCapacity;
constexpr std::size_t kUnitsPerStep = 4096;

Row row_of(std::size_t i) {
  const auto number = static_cast<std::int64_t>(i);
  return {number, number * 3, number ^ 0x55, number + 1};
}
EventTime time_of(std::size_t i) { return EventTime{static_cast<std::int64_t>(i >> 7)}; }

/// Emits the rows, as a source would.
class Producer final : public Operator {
 public:
  void open(OperatorContext&) override {}
  void process_batch(InputIndex, BatchView) override { WEIR_UNREACHABLE(); }
  PollResult poll(Budget& budget) override {
    if (next_ == kRecords) return PollResult::kEnded;
    output_.begin_input(nullptr);
    const std::size_t end = std::min(next_ + budget.left(), kRecords);
    budget.spend(end - next_);
    detail::OutputCursor<Row> cursor(output_);
    for (std::size_t i = next_; i < end; ++i) {
      cursor.append(time_of(i), [i] { return row_of(i); });
    }
    next_ = end;
    return PollResult::kMore;
  }
  std::span<OutputPort* const> outputs() override { return ports_; }

 private:
  std::size_t next_ = 0;
  Output<Row> output_;
  OutputPort* ports_[1] = {&output_};
};

/// Folds the rows.
class Consumer final : public Operator {
 public:
  explicit Consumer(Outcome& outcome) : outcome_(outcome) {}
  void open(OperatorContext&) override {}
  void process_batch(InputIndex, BatchView view) override {
    const Row* const rows = view.typed<Row>().rows().data();
    const EventTime* const times = view.batch.times().data();
    Fold fold = fold_;
    for (std::size_t i = view.begin; i < view.end; ++i) fold.add(rows[i], times[i]);
    fold_ = fold;
  }
  Progress finish(Budget&) override {
    outcome_ = fold_.outcome();
    return Progress::kDone;
  }
  std::span<OutputPort* const> outputs() override { return {}; }

 private:
  Fold fold_;
  Outcome& outcome_;
};

std::shared_ptr<const Program> make_program(Outcome& outcome) {
  auto program = std::make_shared<Program>();
  const auto vertex = [&program](std::string name, OperatorKind kind, OperatorFactory factory) {
    JobVertex made;
    made.id = VertexId{static_cast<std::uint32_t>(program->graph.vertices.size())};
    made.name = name;
    OperatorSpec spec;
    spec.id = OperatorId{name};
    spec.name = std::move(name);
    spec.kind = kind;
    made.operators.push_back(std::move(spec));
    program->graph.vertices.push_back(std::move(made));
    program->operators.push_back({std::move(factory)});
  };
  program->graph.name = "local-exchange";
  // An enumerator is a source that nobody feeds.
  vertex("producer", OperatorKind::kEnumerator, [] { return std::make_unique<Producer>(); });
  vertex("consumer", OperatorKind::kSink,
         [&outcome] { return std::make_unique<Consumer>(outcome); });
  JobEdge edge;
  edge.from = VertexId{0};
  edge.to = VertexId{1};
  program->graph.edges.push_back(edge);
  program->routers.push_back(
      [](const RouterSetup&) { return std::make_unique<detail::ForwardRouter>(); });
  return program;
}

/// Counts the subtasks that have ended and that are over.
class Host final : public SubtaskHost {
 public:
  void report(SubtaskReport report) override {
    WEIR_CHECK(report.failure.is_ok());
    const std::lock_guard lock(mutex_);
    if (report.state == SubtaskState::kEnded) ++ended_;
    changed_.notify_all();
  }
  void over(const AttemptId&) override {
    const std::lock_guard lock(mutex_);
    ++over_;
    changed_.notify_all();
  }
  void deliver(const AttemptId&, ControlMessage) override {}
  void hint(SourceHint) override {}

  int ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  int over_count() const {
    const std::lock_guard lock(mutex_);
    return over_;
  }
  void wait_ended(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return ended_ == count; });
  }
  void wait_over(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return over_ == count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  int ended_ = 0;
  int over_ = 0;
};

class InlineExecutor final : public BlockingExecutor {
 public:
  void run(std::function<void()> closure) override { closure(); }
};

/// Two subtasks and what they need.
class Exchange {
 public:
  Exchange() : environment_(make_environment()) {
    const auto program = make_program(outcome_);
    for (std::uint32_t i = 0; i < 2; ++i) {
      const AttemptId attempt{JobId{1}, {VertexId{i}, SubtaskIndex{0}}, AttemptNumber{1}};
      subtasks_[i] = std::make_shared<Subtask>(
          environment_, SubtaskSetup{attempt, program, {}, std::nullopt, "", {}});
    }
  }

  Outcome run_in_one_thread() {
    while (host_.ended() < 2) step_both();
    for (const auto& subtask : subtasks_) subtask->request_close();
    while (host_.over_count() < 2) step_both();
    return outcome_;
  }
  Outcome run_in_two_threads() {
    ThreadedTaskScheduler scheduler(clock_, 2);
    scheduler.add(0, subtasks_[0]);
    scheduler.add(1, subtasks_[1]);
    host_.wait_ended(2);
    for (const auto& subtask : subtasks_) subtask->request_close();
    host_.wait_over(2);
    return outcome_;
  }

 private:
  std::shared_ptr<SubtaskEnvironment> make_environment() {
    return std::shared_ptr<SubtaskEnvironment>(new SubtaskEnvironment{
        clock_, files_, backend_, {}, channels_,
        std::make_shared<BackgroundWork>(executor_), host_, MemoryBudget(std::size_t{64} << 20)});
  }
  void step_both() {
    for (const auto& subtask : subtasks_) {
      Budget budget(kUnitsPerStep);
      subtask->step(budget);
    }
  }

  Outcome outcome_;
  SystemClock clock_;
  PosixFileStore files_;
  HeapStateBackend backend_{files_};
  ChannelRegistry channels_;
  InlineExecutor executor_;
  Host host_;
  std::shared_ptr<SubtaskEnvironment> environment_;
  std::array<std::shared_ptr<Subtask>, 2> subtasks_;
};

/// What the loop hands over.
struct Block {
  std::size_t size = 0;
  std::array<Row, kRowsPerBlock> rows;
  std::array<EventTime, kRowsPerBlock> times;
};

/// Fills a block while there is a free one, reads one while there is a full one, in one thread.
Outcome run_loop() {
  constexpr std::size_t kBlocks = 8;
  std::vector<std::unique_ptr<Block>> free_blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) free_blocks.push_back(std::make_unique<Block>());
  std::vector<std::unique_ptr<Block>> full_blocks;
  Fold fold;
  std::size_t next = 0;
  while (next < kRecords) {
    while (!free_blocks.empty() && next < kRecords) {
      std::unique_ptr<Block> block = std::move(free_blocks.back());
      free_blocks.pop_back();
      block->size = std::min(kRowsPerBlock, kRecords - next);
      for (std::size_t i = 0; i < block->size; ++i, ++next) {
        block->rows[i] = row_of(next);
        block->times[i] = time_of(next);
      }
      full_blocks.push_back(std::move(block));
    }
    for (std::unique_ptr<Block>& block : full_blocks) {
      for (std::size_t i = 0; i < block->size; ++i) fold.add(block->rows[i], block->times[i]);
      free_blocks.push_back(std::move(block));
    }
    full_blocks.clear();
  }
  return fold.outcome();
}

}  // namespace

void add_local_exchange(Suite& suite) {
  suite.add({.name = "exchange/loop", .records = kRecords, .pass = run_loop});
  suite.add({.name = "exchange/weir", .records = kRecords, .pass = [] {
               return Exchange().run_in_one_thread();
             }});
  suite.add({.name = "exchange/weir-2-threads", .records = kRecords, .pass = [] {
               return Exchange().run_in_two_threads();
             }});
  suite.compare({.title = "local exchange of 32-byte rows, stepped in one thread",
                 .weir = "exchange/weir",
                 .loop = "exchange/loop",
                 .target = {Target::Kind::kRateMin, 50}});
  suite.compare({.title = "local exchange of 32-byte rows, two threads",
                 .weir = "exchange/weir-2-threads",
                 .loop = "exchange/loop",
                 .target = {Target::Kind::kRateMin, 50}});
}

}  // namespace weir::bench
