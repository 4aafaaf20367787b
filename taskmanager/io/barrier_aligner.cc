// SPDX-License-Identifier: Apache-2.0
// The rules of alignment.
#include "taskmanager/io/barrier_aligner.h"

#include <algorithm>

#include "base/check.h"
#include "core/mutants.h"

namespace weir {

BarrierAligner::BarrierAligner(std::size_t channels, CheckpointId newest)
    : channels_(channels), newest_(newest) {
  WEIR_CHECK_GT(channels, 0U);
}

BarrierAligner::Outcome BarrierAligner::on_barrier(ChannelIndex channel,
                                                   const CheckpointBarrier& barrier) {
  Channel& from = channels_[channel.value()];
  WEIR_CHECK(!from.arrived);
  if (from.ended && !all_ended()) return {};
  const bool is_old = barrier.id <= newest_ || (current_ && barrier.id < current_->id);
  if (is_old && !WEIR_MUTANT(B2)) {
    if (!from.ended) ++barriers_dropped_;
    return {};
  }
  Outcome outcome;
  if (current_ && current_->id != barrier.id) {
    outcome.given_up = current_->id;
    newest_ = current_->id;
    release();
  }
  current_ = barrier;
  from.arrived = true;
  return decide(outcome);
}

BarrierAligner::Outcome BarrierAligner::on_end(ChannelIndex channel) {
  Channel& ended = channels_[channel.value()];
  WEIR_CHECK(!ended.arrived && !ended.ended);
  ended.ended = true;
  ++num_ended_;
  return decide({});
}

BarrierAligner::Outcome BarrierAligner::on_abort(CheckpointId checkpoint) {
  Outcome outcome;
  if (current_ && current_->id <= checkpoint) {
    outcome.given_up = current_->id;
    release();
  }
  newest_ = std::max(newest_, checkpoint);
  return outcome;
}

std::optional<CheckpointId> BarrierAligner::aligning() const {
  if (!current_) return std::nullopt;
  return current_->id;
}

BarrierAligner::Outcome BarrierAligner::decide(Outcome outcome) {
  if (current_ && is_aligned()) {
    outcome.aligned = *current_;
    newest_ = current_->id;
    release();
  }
  return outcome;
}

bool BarrierAligner::is_aligned() const {
  if (all_ended()) return true;
  return std::all_of(channels_.begin(), channels_.end(), [](const Channel& channel) {
    return channel.arrived || (channel.ended && !WEIR_MUTANT(B1));
  });
}

void BarrierAligner::release() {
  current_.reset();
  for (Channel& channel : channels_) channel.arrived = false;
}

}  // namespace weir
