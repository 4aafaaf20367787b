// SPDX-License-Identifier: Apache-2.0
// EnumeratorOperator: hands out a source's splits to the readers that ask for work.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/operators/item_state.h"
#include "api/operators/split_assignment.h"
#include "core/operator.h"
#include "core/output.h"

namespace weir::detail {

/// Answers each hint of a reader with the next split, at once or when one is found.
///
/// A hint says how many splits the reader has received in this attempt. One that does not match
/// what was sent is old or repeated, and ignored; a lost one the reader sends again.
///
/// State: what the connector's enumerator remembers.
class EnumeratorOperator final : public Operator {
 public:
  explicit EnumeratorOperator(std::unique_ptr<SplitEnumerator> enumerator);

  static StateDescriptor descriptor();

  void open(OperatorContext& host) override;
  void process_batch(InputIndex, BatchView) override { WEIR_UNREACHABLE(); }
  PollResult poll(Budget& budget) override;
  std::optional<Watermark> source_watermark() override;
  void on_hint(SubtaskIndex from, std::string_view payload) override;
  ProcessingTime next_processing_time() const override { return enumerator_->discover_next(); }
  Progress on_processing_time(ProcessingTime now, Budget& budget) override;
  void prepare_snapshot(CheckpointId) override { state_.set({enumerator_->snapshot()}); }
  std::span<OutputPort* const> outputs() override { return ports_; }

 private:
  struct Reader {
    std::uint64_t splits_sent = 0;
    bool is_waiting = false;
  };

  void answer_waiting();

  std::unique_ptr<SplitEnumerator> enumerator_;
  ItemState<std::string> state_;
  std::map<SubtaskIndex, Reader> readers_;
  bool has_ended_ = false;
  Output<SplitAssignment> output_;
  OutputPort* ports_[1] = {&output_};
};

}  // namespace weir::detail
