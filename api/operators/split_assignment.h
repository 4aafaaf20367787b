// SPDX-License-Identifier: Apache-2.0
// SplitAssignment: a split on its way from an enumerator to a reader, and its router.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/program.h"
#include "core/router.h"
#include "core/source.h"

namespace weir::detail {

/// Tells a reader to read a split.
struct SplitAssignment {
  std::uint32_t reader = 0;
  SourceSplit split;
};
WEIR_RECORD(SplitAssignment, reader, split)

/// Sends each split to the reader that its row names.
class SplitRouter final : public Router {
 public:
  explicit SplitRouter(const RouterSetup& setup) : batches_(setup.consumer_parallelism.value()) {}

  void consume(BatchPtr batch) override {
    for (const SplitAssignment& row : static_cast<TypedBatch<SplitAssignment>&>(*batch).rows()) {
      WEIR_CHECK_LT(row.reader, batches_.size());
      auto& collected = batches_[row.reader];
      if (collected == nullptr) collected = std::make_shared<TypedBatch<SplitAssignment>>();
      collected->append(EventTime::none(), row);
      if (collected->full()) send(row.reader);
    }
  }
  void flush() override {
    for (std::uint32_t reader = 0; reader < batches_.size(); ++reader) send(reader);
  }

 private:
  void send(std::uint32_t reader) {
    if (batches_[reader] == nullptr) return;
    std::shared_ptr<TypedBatch<SplitAssignment>> done = std::move(batches_[reader]);
    batches_[reader] = nullptr;
    sender_->send(ChannelIndex{reader}, std::move(done));
  }

  std::vector<std::shared_ptr<TypedBatch<SplitAssignment>>> batches_;
};

}  // namespace weir::detail
