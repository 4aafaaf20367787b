// SPDX-License-Identifier: Apache-2.0
// SubtaskFixture: one subtask with the other ends of its channels in the test's hands.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/crc32c.h"
#include "state/heap/heap_state_backend.h"
#include "taskmanager/task/subtask.h"
#include "testing/manual_clock.h"
#include "testing/manual_executor.h"
#include "testing/memory_file_store.h"
#include "tests/unit/taskmanager/fake_program.h"

namespace weir::testing {

/// Writes every snapshot, however small, as a file of its own below `snapshots/`.
class FakeCheckpointWriter final : public CheckpointWriter {
 public:
  FakeCheckpointWriter(FileStore& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  Result<std::unique_ptr<SnapshotFile>> create(const std::string& name) override {
    WEIR_RETURN_IF_ERROR(files_.make_directories(directory_));
    std::unique_ptr<SnapshotFile> file = std::make_unique<File>(files_, directory_ + "/" + name);
    return file;
  }
  Result<std::unique_ptr<SnapshotFile>> create_run(const std::string& name) override {
    return create("run-" + name);
  }

 private:
  class File final : public SnapshotFile {
   public:
    File(FileStore& files, std::string path) : files_(files), path_(std::move(path)) {}
    Status append(ByteView bytes) override {
      content_.append(std::string(bytes));
      return Status::ok();
    }
    std::uint64_t size() const override { return content_.size(); }
    Result<StateHandle> finish() override {
      WEIR_ASSIGN_OR_RETURN(auto file, files_.create(path_, CreateMode::kExclusive));
      WEIR_RETURN_IF_ERROR(file->append(content_));
      WEIR_RETURN_IF_ERROR(file->close());
      return StateHandle{path_, "", content_.size(), crc32c(content_)};
    }

   private:
    FileStore& files_;
    const std::string path_;
    std::string content_;
  };
  FileStore& files_;
  const std::string directory_;
};

/// Keeps what a subtask tells.
class FakeHost final : public SubtaskHost {
 public:
  void report(SubtaskReport report) override {
    if (states.empty() || states.back() != report.state) states.push_back(report.state);
    last = std::move(report);
  }
  void over(const AttemptId&) override { ++times_over; }
  void deliver(const AttemptId&, ControlMessage message) override {
    messages.push_back(std::move(message));
  }
  void hint(SourceHint hint) override { hints.push_back(std::move(hint)); }

  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> found;
    for (const ControlMessage& message : messages) {
      if (const auto* one = std::get_if<Message>(&message)) found.push_back(*one);
    }
    return found;
  }

  std::vector<SubtaskState> states;
  SubtaskReport last;
  int times_over = 0;
  std::vector<ControlMessage> messages;
  std::vector<SourceHint> hints;
};

/// Text of an element: "rows 1 2", "watermark 5", "idle", "active", "barrier 1", "end".
inline std::string to_text(const StreamElement& element) {
  struct Visitor {
    std::string operator()(const BatchPtr& batch) const {
      return fmt::format("rows {}", fmt::join(values_of(*batch), " "));
    }
    std::string operator()(const Watermark& watermark) const {
      return "watermark " + std::to_string(watermark.time.millis());
    }
    std::string operator()(const WatermarkStatus& status) const {
      return status == WatermarkStatus::kIdle ? "idle" : "active";
    }
    std::string operator()(const CheckpointBarrier& barrier) const {
      return "barrier " + std::to_string(barrier.id.value());
    }
    std::string operator()(const EndOfInput&) const { return "end"; }
  };
  return std::visit(Visitor{}, element);
}

inline CheckpointBarrier barrier(std::uint64_t id,
                                 CheckpointKind kind = CheckpointKind::kCheckpoint) {
  return {CheckpointId{id}, kind, ProcessingTime{0}};
}

class SubtaskFixture : public ::testing::Test {
 protected:
  SubtaskFixture() { reset_environment(); }

  void reset_environment(std::size_t memory_limit = std::size_t{64} << 20) {
    environment.reset(new SubtaskEnvironment{
        clock, files, backend,
        [this](const std::string& directory, const CheckpointBarrier& barrier) {
          const std::string own = directory + "/chk-" + std::to_string(barrier.id.value());
          return std::make_unique<FakeCheckpointWriter>(
              files, barrier.savepoint_directory.empty() ? own : barrier.savepoint_directory);
        },
        channels, background, host, MemoryBudget(memory_limit)});
  }

  AttemptId attempt_of(VertexId vertex, std::uint32_t index = 0) const {
    return {JobId{7}, {vertex, SubtaskIndex{index}}, AttemptNumber{attempt}};
  }

  /// Makes the subtask under test and takes the other ends of its channels.
  void make(std::shared_ptr<const Program> program, VertexId vertex, std::uint32_t index = 0,
            std::vector<OperatorRestore> restores = {}, std::optional<CheckpointId> restored = {}) {
    inputs.clear();
    outputs.clear();
    const AttemptId id = attempt_of(vertex, index);
    const JobGraph& graph = program->graph;
    subtask = std::make_shared<Subtask>(
        environment, SubtaskSetup{id, program, std::move(restores), restored, "snapshots", {}});
    for (std::uint32_t edge = 0; edge < graph.edges.size(); ++edge) {
      const bool forward = graph.edges[edge].partitioning == Partitioning::kForward;
      if (graph.edges[edge].to == vertex) {
        for (std::uint32_t i = 0; i < graph.vertex(graph.edges[edge].from).parallelism.value();
             ++i) {
          if (forward && i != index) continue;
          inputs.push_back(channels.take_output(
              {id.job, id.attempt, edge, SubtaskIndex{i}, SubtaskIndex{index}}));
        }
      }
      if (graph.edges[edge].from == vertex) {
        for (std::uint32_t i = 0; i < graph.vertex(graph.edges[edge].to).parallelism.value(); ++i) {
          if (forward && i != index) continue;
          outputs.push_back(channels.take_input(
              {id.job, id.attempt, edge, SubtaskIndex{index}, SubtaskIndex{i}}));
        }
      }
    }
  }

  bool try_send(std::size_t input, StreamElement element) {
    return inputs.at(input)->try_push(element);
  }
  void send(std::size_t input, StreamElement element) {
    ASSERT_TRUE(try_send(input, std::move(element)));
  }
  void send(std::size_t input, const std::vector<std::int64_t>& values) {
    send(input, StreamElement(batch_of(values)));
  }

  StepResult step(std::size_t units = 1000) {
    Budget budget(units);
    subtask->waker().take();
    return subtask->step(budget);
  }
  /// Steps, and lets background work and posts run, until nothing happens any more.
  StepResult run() {
    for (int i = 0; i < 10000; ++i) {
      const StepResult result = step();
      executor.run_until_idle();
      if (result == StepResult::kFinished) return result;
      if (result != StepResult::kProgress && !subtask->waker().is_signalled()) return result;
    }
    ADD_FAILURE() << "the subtask does not come to rest";
    return StepResult::kProgress;
  }

  /// Takes what came out of a channel.
  std::vector<std::string> received(std::size_t output = 0) {
    std::vector<std::string> texts;
    while (auto element = outputs.at(output)->pop()) texts.push_back(to_text(*element));
    return texts;
  }
  Journal take_journal() { return std::exchange(journal, {}); }
  bool journal_has(const std::string& entry) const {
    return std::find(journal.begin(), journal.end(), entry) != journal.end();
  }

  ManualClock clock;
  ManualExecutor executor{clock};
  ManualBlockingExecutor blocking{executor};
  MemoryFileStore files{&clock};
  HeapStateBackend backend{files};
  ChannelRegistry channels;
  std::shared_ptr<BackgroundWork> background = std::make_shared<BackgroundWork>(blocking);
  FakeHost host;
  std::shared_ptr<SubtaskEnvironment> environment;
  std::uint32_t attempt = 1;

  Journal journal;
  std::shared_ptr<Subtask> subtask;
  std::vector<std::shared_ptr<OutputChannel>> inputs;  // the producers' ends
  std::vector<std::shared_ptr<InputChannel>> outputs;  // the consumers' ends
};

}  // namespace weir::testing
