// SPDX-License-Identifier: Apache-2.0
// OperatorHarness: runs one operator without a cluster. check_operator: runs it in every way that
// must make no difference.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/operator.h"
#include "core/program.h"
#include "testing/harness_context.h"
#include "types/type_info.h"

namespace weir::testing {

/// A record and its event time.
template <class T>
struct Timed {
  T row;
  EventTime at = EventTime::none();
  friend bool operator==(const Timed&, const Timed&) = default;
};

/// Feeds one subtask of an operator with rows of In and collects what it emits as Out.
///
/// Input batches are freed as soon as the operator has returned, so text that it kept shows.
///
/// Errors: what the operator throws.
/// Thread: the test's.
template <class In, class Out>
class OperatorHarness {
 public:
  /// Opens a fresh instance.
  explicit OperatorHarness(OperatorFactory make, HarnessPlace place = {})
      : make_(std::move(make)), place_(std::move(place)) {
    start({});
  }
  ~OperatorHarness() { operator_->close(); }
  OperatorHarness(const OperatorHarness&) = delete;
  OperatorHarness& operator=(const OperatorHarness&) = delete;

  /// Units of work per bounded call; 1 finds what is lost between calls.
  void set_budget(std::size_t units) { budget_ = units; }

  void process(In row, EventTime at = EventTime::none()) { process_all({{std::move(row), at}}); }
  /// Feeds all rows as one batch, which the operator may move from.
  void process_all(const std::vector<Timed<In>>& rows) { process_input(InputIndex{0}, rows); }
  /// The same for another input, whose rows may be of another type.
  template <class Row>
  void process_input(InputIndex input, const std::vector<Timed<Row>>& rows) {
    for (std::size_t begin = 0; begin < rows.size(); begin += TypedBatch<Row>::kCapacity) {
      const std::size_t end = std::min(rows.size(), begin + TypedBatch<Row>::kCapacity);
      auto batch = std::make_shared<TypedBatch<Row>>();
      TextMaker text(batch->arenas());
      for (std::size_t i = begin; i < end; ++i) {
        Row& row = batch->append(rows[i].at, rows[i].row);
        for_each_text(row, [&text](Text& part) { part = text.text(part.view()); });
      }
      operator_->process_batch(input, {*batch, 0, batch->size(), true});
      after_call();
    }
  }
  void advance_watermark(EventTime time) {
    repeat([&](Budget& budget) { return operator_->advance_watermark({time}, budget); });
  }
  /// Moves the clock and does the processing-time work that is due then.
  void advance_clock(Duration duration) {
    world_->clock.advance(duration);
    const ProcessingTime now = world_->clock.now();
    if (operator_->next_processing_time() > now) return;
    repeat([&](Budget& budget) { return operator_->on_processing_time(now, budget); });
  }
  /// Ends the input: event time to its end, then `finish`.
  void end() {
    operator_->end_input(InputIndex{0});
    advance_watermark(EventTime::max());
    repeat([&](Budget& budget) { return operator_->finish(budget); });
  }

  /// Takes a snapshot.
  StateHandle snapshot() {
    operator_->prepare_snapshot(CheckpointId{world_->snapshots + 1});
    after_call();
    return context_->snapshot();
  }
  /// Closes the instance and opens another one from these snapshots.
  void restart(std::vector<StateHandle> snapshots) {
    operator_->close();
    start(std::move(snapshots));
  }
  /// The same somewhere else: another subtask, parallelism or max parallelism.
  void restart(std::vector<StateHandle> snapshots, HarnessPlace place) {
    place_ = std::move(place);
    restart(std::move(snapshots));
  }
  /// Takes a snapshot and goes on from it in a fresh instance.
  void restore() { restart({snapshot()}); }

  /// What the main output has emitted since the last call. Rows stay valid as long as the harness.
  std::vector<Timed<Out>> take_output() { return take<Out>(0); }
  /// The same of a side output, numbered from 1.
  template <class S>
  std::vector<Timed<S>> take_side_output(std::size_t number) {
    return take<S>(number);
  }

  Operator& op() { return *operator_; }
  HarnessContext& context() { return *context_; }
  HarnessWorld& world() { return *world_; }
  /// A counter of the operator, zero if there is none of that name.
  std::int64_t metric(const std::string& name) {
    std::int64_t sum = 0;
    for (const MetricSample& sample : context_->metrics().snapshot()) {
      if (sample.name == name) sum += sample.value;
    }
    return sum;
  }
  /// Runs mail and flushes; called by itself after every call of the operator.
  void after_call() {
    while (!world_->mails.empty()) {
      const std::function<void()> mail = std::move(world_->mails.front());
      world_->mails.pop_front();
      mail();
    }
    for (OutputPort* port : operator_->outputs()) port->flush();
    context_->backend().tidy();
  }

 private:
  struct Collector final : BatchConsumer {
    void consume(BatchPtr batch) override { batches.push_back(std::move(batch)); }
    std::vector<BatchPtr> batches;
    std::size_t taken = 0;
  };

  void start(std::vector<StateHandle> snapshots) {
    world_->mails.clear();
    attempt_ = AttemptNumber{attempt_.value() + 1};
    operator_ = make_();
    context_ = std::make_unique<HarnessContext>(*world_, place_, attempt_, std::move(snapshots));
    const auto ports = operator_->outputs();
    while (collectors_.size() < ports.size()) {
      collectors_.push_back(std::make_unique<Collector>());
    }
    for (std::size_t i = 0; i < ports.size(); ++i) ports[i]->connect(*collectors_[i]);
    operator_->open(*context_);
    after_call();
  }
  template <class Call>
  void repeat(Call&& call) {
    Progress progress = Progress::kMore;
    while (progress == Progress::kMore) {
      Budget budget(budget_);
      progress = call(budget);
      after_call();
    }
  }
  template <class S>
  std::vector<Timed<S>> take(std::size_t output) {
    Collector& collector = *collectors_.at(output);
    std::vector<Timed<S>> rows;
    for (; collector.taken < collector.batches.size(); ++collector.taken) {
      const Batch& batch = *collector.batches[collector.taken];
      for (std::size_t i = 0; i < batch.size(); ++i) {
        rows.push_back({static_cast<const TypedBatch<S>&>(batch).rows()[i], batch.times()[i]});
      }
    }
    return rows;
  }

  const OperatorFactory make_;
  HarnessPlace place_;
  std::size_t budget_ = 1000;
  AttemptNumber attempt_{0};
  std::unique_ptr<HarnessWorld> world_ = std::make_unique<HarnessWorld>();
  std::vector<std::unique_ptr<Collector>> collectors_;
  // Before the operator, which it outlives.
  std::unique_ptr<HarnessContext> context_;
  std::unique_ptr<Operator> operator_;
};

/// What a test feeds, in order: records, watermarks, the passing of time.
template <class In>
using HarnessElement = std::variant<Timed<In>, Watermark, Duration>;

/// A way to run an operator. None of them may change what it emits.
enum class HarnessMode {
  kPlain,           ///< all records between two other elements in one batch
  kSingleRecords,   ///< a batch for each record
  kRestored,        ///< a snapshot, and a fresh instance from it, after every element
  kSmallBudget,     ///< bounded calls do one unit of work at a time
  kManyWatermarks,  ///< the last watermark once more after every element
};
inline constexpr HarnessMode kHarnessModes[] = {HarnessMode::kPlain, HarnessMode::kSingleRecords,
                                                HarnessMode::kRestored, HarnessMode::kSmallBudget,
                                                HarnessMode::kManyWatermarks};
const char* to_string(HarnessMode mode);

/// Runs the elements and then the end of the input in one way; returns what came out.
template <class In, class Out>
std::vector<Timed<Out>> run_operator(OperatorHarness<In, Out>& harness,
                                     const std::vector<HarnessElement<In>>& elements,
                                     HarnessMode mode) {
  if (mode == HarnessMode::kSmallBudget) harness.set_budget(1);
  std::vector<Timed<In>> batch;
  std::optional<EventTime> watermark;
  const auto send = [&] {
    if (!batch.empty()) harness.process_all(std::exchange(batch, {}));
  };
  for (const HarnessElement<In>& element : elements) {
    if (const auto* record = std::get_if<Timed<In>>(&element)) {
      batch.push_back(*record);
      if (mode == HarnessMode::kPlain || mode == HarnessMode::kSmallBudget) continue;
    }
    send();
    if (const auto* next = std::get_if<Watermark>(&element)) {
      watermark = next->time;
      harness.advance_watermark(next->time);
    }
    if (const auto* passed = std::get_if<Duration>(&element)) harness.advance_clock(*passed);
    if (mode == HarnessMode::kRestored) harness.restore();
    if (mode == HarnessMode::kManyWatermarks && watermark.has_value()) {
      harness.advance_watermark(*watermark);
    }
  }
  send();
  harness.end();
  return harness.take_output();
}

/// Runs an operator in every way and compares what it emits.
/// Returns what differs, as text; empty if nothing does.
template <class In, class Out>
std::string check_operator(const OperatorFactory& make,
                           const std::vector<HarnessElement<In>>& elements,
                           const std::vector<Timed<Out>>& expected) {
  const auto print = [](const std::vector<Timed<Out>>& rows) {
    std::ostringstream lines;
    for (const Timed<Out>& row : rows) {
      lines << "\n    " << to_string(row.at) << " ";
      detail::print_value(lines, row.row);
    }
    return lines.str();
  };
  std::string differences;
  for (const HarnessMode mode : kHarnessModes) {
    OperatorHarness<In, Out> harness(make);
    const std::vector<Timed<Out>> actual = run_operator(harness, elements, mode);
    if (actual == expected) continue;
    differences += std::string("\n  mode ") + to_string(mode) + " emitted" + print(actual) +
                   "\n  instead of" + print(expected);
  }
  return differences;
}

}  // namespace weir::testing
