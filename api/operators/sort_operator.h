// SPDX-License-Identifier: Apache-2.0
// SortOperator: puts the records of each key into event-time order.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "api/operators/keyed_input.h"
#include "api/operators/sort_buffer.h"
#include "api/operators/fired_watermark.h"
#include "core/operator.h"

namespace weir::detail {

/// Holds records back until the watermark has passed them and then emits them in an order that does
/// not depend on arrival: by event time, equal times by key hash and content.
///
/// Shape: rows of T by key in, the same rows out; late records are dropped and counted.
/// State: every record from its arrival until the watermark passes it.
template <class T, class KeyBy>
class SortOperator final : public Operator {
 public:
  explicit SortOperator(KeyBy key_by) : input_(std::move(key_by)) {}

  void open(OperatorContext& context) override {
    const OperatorInfo& info = context.info();
    fired_.emplace(hash_range(info.key_groups, info.max_parallelism));
    context.state().add(buffer_);
    context.state().add(*fired_);
    late_counter_ = &context.metrics().counter("numLateRecordsDropped");
  }

  void process_batch(InputIndex, BatchView view) override {
    const auto rows = view.typed<T>().rows();
    const auto times = view.batch.times();
    const std::uint32_t* hashes = input_.hashes(view);
    for (std::size_t i = view.begin; i < view.end; ++i) {
      if (times[i].is_none()) [[unlikely]] {
        throw StatusError(Status(StatusCode::kInvalidArgument,
                                 "a record without event time came to sorted_by_event_time: give "
                                 "its source a watermark strategy with_event_time(...)",
                                 ErrorDomain::kUser, RetryHint::kNo));
      }
      if (times[i] <= fired_->fired_through(hashes[i])) [[unlikely]] {
        late_counter_->add();
      } else {
        buffer_.add(rows[i], times[i], hashes[i]);
      }
    }
  }

  Progress advance_watermark(Watermark watermark, Budget& budget) override {
    out_.begin_input(nullptr);
    while (true) {
      if (taken_ == nullptr || next_ == taken_->size()) {
        taken_ = &buffer_.take(watermark.time);
        next_ = 0;
        if (taken_->empty()) break;
      }
      for (; next_ < taken_->size(); ++next_) {
        if (budget.exhausted()) return Progress::kMore;
        budget.spend(1);
        const WaitingRow<T>& waiting = *(*taken_)[next_];
        out_.emit_at(waiting.row, waiting.time);
      }
    }
    taken_ = nullptr;
    fired_->advance(watermark.time);
    return Progress::kDone;
  }

  std::span<OutputPort* const> outputs() override { return outputs_; }

 private:
  KeyedInput<T, KeyBy> input_;
  SortBuffer<T> buffer_;
  std::optional<FiredWatermarks> fired_;
  // The rows being emitted while a watermark advances; null otherwise.
  const std::vector<const WaitingRow<T>*>* taken_ = nullptr;
  std::size_t next_ = 0;
  Counter* late_counter_ = nullptr;
  Output<T> out_;
  OutputPort* const outputs_[1] = {&out_};
};

}  // namespace weir::detail
