// SPDX-License-Identifier: Apache-2.0
// SinkOperator.
#include "api/operators/sink_operator.h"

#include <gtest/gtest.h>

#include "tests/unit/api/rows.h"

namespace weir::test {
namespace {

/// Writes down what it is told.
struct DiaryWriter final : SinkWriter<Reading> {
  explicit DiaryWriter(std::shared_ptr<std::string> pages) : diary(std::move(pages)) {}
  void open(OperatorContext&) override { *diary += "open "; }
  void write(const TypedBatch<Reading>& batch, std::size_t begin, std::size_t end) override {
    for (std::size_t i = begin; i < end; ++i) {
      *diary += "write:" + std::to_string(batch.rows()[i].value) + " ";
    }
  }
  void prepare_commit(CheckpointId checkpoint) override {
    *diary += "prepare:" + to_string(checkpoint) + " ";
  }
  void commit(CheckpointId checkpoint) override {
    *diary += "commit:" + to_string(checkpoint) + " ";
  }
  void finish() override { *diary += "finish "; }
  void close() noexcept override { *diary += "close "; }
  std::shared_ptr<std::string> diary;
};
struct DiarySink {
  std::shared_ptr<std::string> diary = std::make_shared<std::string>();
  std::vector<std::string> validate() const { return {}; }
  std::unique_ptr<SinkWriter<Reading>> make_writer() const {
    return std::make_unique<DiaryWriter>(diary);
  }
  bool commits() const { return true; }
  std::vector<StateDescriptor> states() const {
    return {{.name = "pages", .key_schema = "", .value_schema = ""}};
  }
};

TEST(SinkOperatorTest, PassesRecordsBarriersAndCommitsToTheWriter) {
  const DiarySink sink;
  const detail::Transformation transformation = detail::sink_transformation<Reading>("diary", sink);
  EXPECT_TRUE(transformation.commits);
  EXPECT_EQ(transformation.states.size(), 1U);
  {
    OperatorHarness<Reading, Reading> harness(transformation.factory);
    harness.process_all({reading(1, 5, 1), reading(1, 6, 2)});
    harness.op().prepare_snapshot(CheckpointId{3});
    harness.op().notify_checkpoint_complete(CheckpointId{3});
    harness.end();
  }
  EXPECT_EQ(*sink.diary, "open write:5 write:6 prepare:3 commit:3 finish close ");
}

}  // namespace
}  // namespace weir::test
