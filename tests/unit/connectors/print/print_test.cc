// SPDX-License-Identifier: Apache-2.0
// What print shows, and what the blackhole sees.
#include <gtest/gtest.h>
#include <weir/connectors/blackhole.h>
#include <weir/connectors/print.h>

#include <sstream>

#include "tests/unit/connectors/fake_context.h"

namespace weir {
namespace {

TEST(PrintSinkTest, PrintsARecordPerLineBehindTheOperatorsId) {
  std::ostringstream out;
  FakeContext context;
  const auto writer = PrintSink<int>{.stream = &out}.make_writer();
  writer->open(context);
  TypedBatch<int> batch;
  for (int i = 0; i < 4; ++i) batch.append(EventTime::none(), i);
  writer->write(batch, 1, 3);
  EXPECT_EQ(out.str(), "alerts> 1\nalerts> 2\n");
}

TEST(PrintSinkTest, NamesTheSubtaskWhereThereAreSeveral) {
  std::ostringstream out;
  FakeContext context;
  context.mutable_info().parallelism = Parallelism{2};
  context.mutable_info().subtask = SubtaskIndex{1};
  const auto writer = PrintSink<int>{.stream = &out, .prefix = "x"}.make_writer();
  writer->open(context);
  TypedBatch<int> batch;
  batch.append(EventTime::none(), 7);
  writer->write(batch, 0, 1);
  EXPECT_EQ(out.str(), "x:1> 7\n");
}

TEST(PrintSinkTest, StreamThatTakesNothingEndsTheAttempt) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  FakeContext context;
  const auto writer = PrintSink<int>{.stream = &out}.make_writer();
  writer->open(context);
  TypedBatch<int> batch;
  batch.append(EventTime::none(), 7);
  EXPECT_THROW(writer->write(batch, 0, 1), StatusError);
}

TEST(BlackholeSinkTest, ShowsEachRecordOnceToWhoeverLooks) {
  int sum = 0;
  const BlackholeSink<int> sink{.look = [&sum](std::span<const int> rows) {
    for (const int row : rows) sum += row;
  }};
  const auto writer = sink.make_writer();
  TypedBatch<int> batch;
  for (int i = 0; i < 4; ++i) batch.append(EventTime::none(), 1 << i);
  writer->write(batch, 1, 3);
  EXPECT_EQ(sum, 6);
  BlackholeSink<int>{}.make_writer()->write(batch, 0, 4);
}

}  // namespace
}  // namespace weir
