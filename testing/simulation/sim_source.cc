// SPDX-License-Identifier: Apache-2.0
// Enumerator and reader of the simulation's source. A split's id is its number; its position the
// offset of its next record.
#include "testing/simulation/sim_source.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "base/check.h"

namespace weir::simulation {
namespace {

class SimEnumerator final : public SplitEnumerator {
 public:
  SimEnumerator(std::size_t splits, std::uint32_t source, SourceLog* log)
      : splits_(splits), source_(source), log_(log) {}

  void open(OperatorContext& context, const std::optional<std::string>& restored) override {
    if (restored.has_value()) next_ = std::stoul(*restored);
    if (log_ != nullptr) log_->begin(context.info(), source_, static_cast<std::uint32_t>(next_));
  }
  std::optional<SourceSplit> next_split(SubtaskIndex) override {
    if (is_exhausted()) return std::nullopt;
    return SourceSplit{std::to_string(next_++), "0"};
  }
  bool is_exhausted() const override { return next_ == splits_; }
  std::string snapshot() const override { return std::to_string(next_); }

 private:
  const std::size_t splits_;
  const std::uint32_t source_;
  SourceLog* const log_;
  std::size_t next_ = 0;
};

class SimReader final : public SourceReader<SimRecord> {
 public:
  SimReader(const JobSpec& job, std::uint32_t source, SourceLog* log)
      : spec_(job.sources[source]), padding_(job.padding), source_(source), log_(log) {}

  void open(OperatorContext& context) override { context_ = &context; }

  void add_split(SourceSplit split) override {
    open_.push_back({static_cast<std::uint32_t>(std::stoul(split.id)),
                     static_cast<std::uint32_t>(std::stoul(split.position))});
    note(open_.back());
  }

  ReadResult read(SourceOutput<SimRecord>& output, std::size_t max_records) override {
    std::size_t left = std::max<std::size_t>(max_records, 1);
    // One round over the splits, so that none waits for another's records.
    for (std::size_t turn = open_.size(); turn > 0 && left > 0; --turn) {
      OpenSplit split = open_.front();
      open_.pop_front();
      output.begin_split(std::to_string(split.number));
      left -= read_some(split, output, (left + turn - 1) / turn);
      if (split.offset == records_of(split).size()) {
        output.end_split(std::to_string(split.number));
      } else {
        open_.push_back(split);
      }
    }
    if (open_.empty()) return ReadResult::kNoSplit;
    const std::int64_t due = next_due();
    if (due <= now()) return ReadResult::kMore;
    const auto wait = Duration{(due - now()) / 1'000'000 + 1};
    context_->wake_at(context_->clock().now() + wait);
    return ReadResult::kNothing;
  }

  std::vector<SourceSplit> snapshot() const override {
    std::vector<SourceSplit> splits;
    for (const OpenSplit& split : open_) {
      splits.push_back({std::to_string(split.number), std::to_string(split.offset)});
    }
    return splits;
  }

 private:
  struct OpenSplit {
    std::uint32_t number = 0;
    std::uint32_t offset = 0;
  };

  const std::vector<InputRecord>& records_of(const OpenSplit& split) const {
    return spec_.splits[split.number].records;
  }
  std::int64_t now() const { return context_->clock().monotonic_nanos(); }
  std::int64_t due_of(const OpenSplit& split) const {
    const SplitSpec& spec = spec_.splits[split.number];
    return spec.first_at_nanos + split.offset * spec.interval_nanos;
  }
  std::int64_t next_due() const {
    std::int64_t due = due_of(open_.front());
    for (const OpenSplit& split : open_) due = std::min(due, due_of(split));
    return due;
  }

  std::size_t read_some(OpenSplit& split, SourceOutput<SimRecord>& output, std::size_t most) {
    const std::vector<InputRecord>& records = records_of(split);
    std::size_t count = 0;
    while (count < most && split.offset < records.size() && due_of(split) <= now()) {
      const InputRecord& record = records[split.offset];
      SimRecord row{record.key,
                    record.value,
                    EventTime{record.time},
                    output.maker().text(label_of(record.key, record.value, padding_)),
                    1,
                    mixed({source_, split.number, split.offset})};
      output.emit(std::move(row), EventTime{record.time});
      ++split.offset;
      ++count;
    }
    if (count > 0) note(split);
    return count;
  }

  void note(const OpenSplit& split) const {
    if (log_ != nullptr) log_->read(context_->info(), source_, split.number, split.offset);
  }

  const SourceSpec& spec_;
  const std::uint32_t padding_;
  const std::uint32_t source_;
  SourceLog* const log_;
  OperatorContext* context_ = nullptr;
  std::deque<OpenSplit> open_;
};

}  // namespace

std::unique_ptr<SplitEnumerator> SimSource::make_enumerator() const {
  return std::make_unique<SimEnumerator>(job->sources[source].splits.size(), source, log);
}

std::unique_ptr<SourceReader<SimRecord>> SimSource::make_reader() const {
  return std::make_unique<SimReader>(*job, source, log);
}

}  // namespace weir::simulation
