// SPDX-License-Identifier: Apache-2.0
// Who asked, who was answered.
#include "api/operators/enumerator_operator.h"

#include <charconv>
#include <utility>

namespace weir::detail {
namespace {

constexpr const char* kStateName = "enumerator";

}  // namespace

EnumeratorOperator::EnumeratorOperator(std::unique_ptr<SplitEnumerator> enumerator)
    : enumerator_(std::move(enumerator)), state_(kStateName) {}

StateDescriptor EnumeratorOperator::descriptor() {
  return ItemState<std::string>(kStateName).descriptor();
}

void EnumeratorOperator::open(OperatorContext& host) {
  host.state().add(state_);
  std::optional<std::string> restored;
  if (!state_.items().empty()) restored = state_.items().front();
  enumerator_->open(host, restored);
}

PollResult EnumeratorOperator::poll(Budget& budget) {
  budget.spend(1);
  answer_waiting();
  has_ended_ = enumerator_->is_exhausted();
  return has_ended_ ? PollResult::kEnded : PollResult::kNothing;
}

std::optional<Watermark> EnumeratorOperator::source_watermark() {
  if (!has_ended_) return std::nullopt;
  return Watermark{EventTime::max()};
}

void EnumeratorOperator::on_hint(SubtaskIndex from, std::string_view payload) {
  std::uint64_t splits_received = 0;
  const auto [end, error] =
      std::from_chars(payload.data(), payload.data() + payload.size(), splits_received);
  if (error != std::errc() || end != payload.data() + payload.size()) return;
  Reader& reader = readers_[from];
  if (splits_received == reader.splits_sent) reader.is_waiting = true;
}

Progress EnumeratorOperator::on_processing_time(ProcessingTime now, Budget& budget) {
  budget.spend(1);
  if (enumerator_->discover_next() <= now) enumerator_->discover();
  answer_waiting();
  return Progress::kDone;
}

// In the order of the readers, so that a replay hands out the same splits.
void EnumeratorOperator::answer_waiting() {
  output_.begin_input(nullptr);
  for (auto& [index, reader] : readers_) {
    if (!reader.is_waiting) continue;
    std::optional<SourceSplit> split = enumerator_->next_split(index);
    if (!split.has_value()) continue;
    reader.is_waiting = false;
    ++reader.splits_sent;
    output_.emit_at(SplitAssignment{index.value(), *std::move(split)}, EventTime::none());
  }
}

}  // namespace weir::detail
