// SPDX-License-Identifier: Apache-2.0
// SourceReaderOperator: reads the splits of a source, assigns event times and makes watermarks.
#pragma once

#include <weir/watermark_strategy.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/item_state.h"
#include "api/operators/split_assignment.h"
#include "api/operators/split_watermarks.h"
#include "core/operator.h"
#include "core/output.h"

namespace weir::detail {

/// A split of a reader, as state: where it was read up to, and the newest event time so far.
struct ReaderSplit {
  std::string id;
  std::string position;
  EventTime newest = EventTime::none();
};
WEIR_RECORD(ReaderSplit, id, position, newest)

/// Drives a connector's reader. Asks the enumerator for a split whenever all it had are read, and
/// again after a while: hints may be lost.
///
/// State: the splits not read to their end, with position and newest event time. A split stays with
///        its subtask while the parallelism is kept, and moves as a whole when it changes.
template <class T, class TimeOf>
class SourceReaderOperator final : public Operator, private SourceOutput<T> {
 public:
  SourceReaderOperator(std::unique_ptr<SourceReader<T>> reader, WatermarkRules rules,
                       TimeOf time_of)
      : reader_(std::move(reader)), watermarks_(rules), time_of_(std::move(time_of)) {}

  static StateDescriptor descriptor() { return ItemState<ReaderSplit>("splits").descriptor(); }

  void open(OperatorContext& host) override {
    host_ = &host;
    host.state().add(state_);
    reader_->open(host);
    for (const ReaderSplit& split : state_.items()) {
      watermarks_.add(split.id, split.newest);
      reader_->add_split({split.id, split.position});
    }
  }

  void process_batch(InputIndex, BatchView view) override {
    const auto rows = view.typed<SplitAssignment>().rows();
    for (std::size_t i = view.begin; i < view.end; ++i) {
      ++splits_received_;
      watermarks_.add(rows[i].split.id, EventTime::none());
      reader_->add_split(rows[i].split);
    }
    hint_again_at_ = ProcessingTime::none();
    hint_wait_ = kHintWaitFirst;
  }
  void end_input(InputIndex) override { no_more_splits_ = true; }

  PollResult poll(Budget& budget) override {
    output_.begin_input(nullptr);
    const std::uint64_t before = output_.records_out();
    watermarks_.begin_read(host_->clock());
    const ReadResult result = reader_->read(*this, budget.left());
    watermarks_.end_read(host_->clock(), result == ReadResult::kMore);
    budget.spend(1 + static_cast<std::size_t>(output_.records_out() - before));
    if (result != ReadResult::kNoSplit) {
      return result == ReadResult::kMore ? PollResult::kMore : PollResult::kNothing;
    }
    if (no_more_splits_) {
      has_ended_ = true;
      return PollResult::kEnded;
    }
    ask_for_split();
    return PollResult::kNothing;
  }
  std::optional<Watermark> source_watermark() override {
    if (has_ended_) return Watermark{EventTime::max()};
    return watermarks_.watermark(host_->clock());
  }
  WatermarkStatus source_status() override {
    return has_ended_ ? WatermarkStatus::kActive : watermarks_.status(host_->clock());
  }

  void prepare_snapshot(CheckpointId) override {
    std::vector<ReaderSplit> splits;
    for (SourceSplit& split : reader_->snapshot()) {
      const EventTime newest = watermarks_.newest(split.id);
      splits.push_back({std::move(split.id), std::move(split.position), newest});
    }
    state_.set(std::move(splits));
  }
  void close() noexcept override { reader_->close(); }
  std::span<OutputPort* const> outputs() override { return ports_; }

 private:
  static constexpr Duration kHintWaitFirst{100};
  static constexpr Duration kHintWaitMax{1000};

  // What the connector's reader calls.
  void emit(T row, EventTime timestamp) override {
    const EventTime time = event_time(row, timestamp);
    watermarks_.on_record(time);
    output_.emit_at(std::move(row), time);
  }
  TextMaker& maker() override { return output_.maker(); }
  SourceRoom<T> begin_append() override {
    TypedBatch<T>& batch = output_.begin_append();
    return {batch.rows().data() + batch.size(), TypedBatch<T>::kCapacity - batch.size(),
            &output_.maker()};
  }
  void end_append(std::size_t count) override {
    if (count == 0) return;
    TypedBatch<T>& batch = output_.begin_append();
    const std::size_t end = batch.size() + count;
    T* const rows = batch.rows().data();
    EventTime* const times = batch.mutable_times();
    EventTime newest = EventTime::none();
    for (std::size_t i = batch.size(); i < end; ++i) {
      times[i] = event_time(rows[i], EventTime::none());
      newest = std::max(newest, times[i]);
      if constexpr (kHoldsText<T>) output_.adopt(rows[i]);
    }
    watermarks_.on_record(newest);
    output_.end_append(end);
  }
  void begin_split(const std::string& id) override { watermarks_.begin(id); }
  void end_split(const std::string& id) override { watermarks_.end(id); }

  EventTime event_time(const T& row, EventTime timestamp) const {
    if constexpr (std::same_as<TimeOf, ConnectorTime>) {
      return timestamp;
    } else {
      return std::invoke(time_of_, row);
    }
  }

  void ask_for_split() {
    const ProcessingTime now = host_->clock().now();
    if (hint_again_at_ <= now) {
      host_->send_hint(std::to_string(splits_received_));
      hint_again_at_ = now + hint_wait_;
      hint_wait_ = std::min(hint_wait_ * 2, kHintWaitMax);
    }
    host_->wake_at(hint_again_at_);
  }

  std::unique_ptr<SourceReader<T>> reader_;
  SplitWatermarks watermarks_;
  TimeOf time_of_;
  OperatorContext* host_ = nullptr;
  ItemState<ReaderSplit> state_{"splits"};
  Output<T> output_;
  OutputPort* ports_[1] = {&output_};
  bool no_more_splits_ = false;
  bool has_ended_ = false;
  // Asking for work: how many splits came in this attempt, and when to ask again.
  std::uint64_t splits_received_ = 0;
  ProcessingTime hint_again_at_ = ProcessingTime::none();
  Duration hint_wait_ = kHintWaitFirst;
};

}  // namespace weir::detail
