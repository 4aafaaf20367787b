// SPDX-License-Identifier: Apache-2.0
// The probe sees what goes wrong in channels and with watermarks, and nothing where all is right.
#include "testing/simulation/program_probe.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "testing/harness_context.h"

namespace weir::simulation {
namespace {

class Quiet final : public Operator {
 public:
  void open(OperatorContext&) override {}
  void process_batch(InputIndex, BatchView) override {}
  std::span<OutputPort* const> outputs() override { return {}; }
};

class PassOn final : public Router {
 public:
  void consume(BatchPtr batch) override { sender_->send(ChannelIndex{0}, std::move(batch)); }
  void flush() override {}
};

class Kept final : public ChannelSender {
 public:
  std::uint32_t channel_count() const override { return 1; }
  void send(ChannelIndex, BatchPtr batch) override { batches.push_back(std::move(batch)); }
  std::vector<BatchPtr> batches;
};

// A producer and a consumer with one channel, whose elements the test hands over itself.
class ProgramProbeTest : public ::testing::Test {
 protected:
  ProgramProbeTest() {
    Program program;
    for (std::uint32_t i = 0; i < 2; ++i) {
      JobVertex vertex;
      vertex.id = VertexId{i};
      vertex.name = i == 0 ? "producer" : "consumer";
      OperatorSpec op;
      op.id = OperatorId{vertex.name};
      vertex.operators.push_back(op);
      program.graph.vertices.push_back(vertex);
      program.operators.push_back({[] { return std::make_unique<Quiet>(); }});
    }
    JobEdge edge;
    edge.to = VertexId{1};
    program.graph.edges.push_back(edge);
    program.routers.push_back([](const RouterSetup&) { return std::make_unique<PassOn>(); });
    watched_ = probe_.watch(std::move(program));
    producer_ = watched_.operators[0][0]();
    router_ = watched_.routers[0]({SubtaskIndex{0}, Parallelism{1}, MaxParallelism{128}});
    router_->connect(sent_);
    consumer_ = watched_.operators[1][0]();
    producer_->open(producer_context_);
    consumer_->open(consumer_context_);
  }

  void send(std::int64_t time) {
    Budget budget(1);
    producer_->poll(budget);  // whatever it sends comes out of a call
    auto batch = std::make_shared<TypedBatch<int>>();
    batch->append(EventTime{time}, 1);
    router_->consume(std::move(batch));
  }
  void receive(std::size_t number) {
    Batch& batch = *sent_.batches[number];
    consumer_->process_batch(InputIndex{0}, BatchView{batch, 0, batch.size(), false});
  }
  void advance(std::int64_t time) {
    Budget budget(1);
    consumer_->advance_watermark(Watermark{EventTime{time}}, budget);
  }

  std::vector<std::string> reports_;
  SimulatedWorld world_{1};
  ProgramProbe probe_{world_, [this](std::string what) { reports_.push_back(std::move(what)); },
                      LateRecords::kForbidden};
  Program watched_;
  Kept sent_;
  weir::testing::HarnessWorld harness_;
  weir::testing::HarnessContext producer_context_{harness_, {}, AttemptNumber{1}, {}};
  weir::testing::HarnessContext consumer_context_{harness_, {}, AttemptNumber{1}, {}};
  std::unique_ptr<Operator> producer_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Operator> consumer_;
};

TEST_F(ProgramProbeTest, OrderedRecordsAndAlignedBarriersAreRight) {
  send(1);
  producer_->prepare_snapshot(CheckpointId{1});
  send(2);
  receive(0);
  consumer_->prepare_snapshot(CheckpointId{1});
  receive(1);
  advance(2);
  probe_.on_complete(CheckpointId{1});
  EXPECT_EQ(reports_, std::vector<std::string>{});
}

TEST_F(ProgramProbeTest, OvertakenBatchIsReported) {
  send(1);
  send(2);
  receive(1);
  receive(0);
  EXPECT_EQ(reports_.size(), 1U);
}

TEST_F(ProgramProbeTest, RecordBehindABarrierBeforeTheSnapshotIsReportedOnceThatIsComplete) {
  producer_->prepare_snapshot(CheckpointId{1});
  send(1);
  receive(0);
  EXPECT_TRUE(reports_.empty());  // the checkpoint may be aborted
  probe_.on_complete(CheckpointId{1});
  EXPECT_EQ(reports_.size(), 1U);
}

TEST_F(ProgramProbeTest, RecordInFrontOfABarrierAfterTheSnapshotIsReportedOnceThatIsComplete) {
  send(1);
  consumer_->prepare_snapshot(CheckpointId{1});
  receive(0);
  probe_.on_complete(CheckpointId{1});
  EXPECT_EQ(reports_.size(), 1U);
}

TEST_F(ProgramProbeTest, RecordBehindTheWatermarkIsReported) {
  send(5);
  advance(5);
  receive(0);
  EXPECT_EQ(reports_.size(), 1U);
}

TEST_F(ProgramProbeTest, WatermarkThatGoesBackIsReported) {
  advance(5);
  advance(4);
  EXPECT_EQ(reports_.size(), 1U);
}

}  // namespace
}  // namespace weir::simulation
