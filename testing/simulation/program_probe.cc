// SPDX-License-Identifier: Apache-2.0
// Watched operators and routers.
#include "testing/simulation/program_probe.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/check.h"

namespace weir::simulation {

/// Passes every call on, and notes it.
class ProgramProbe::WatchedOperator final : public Operator {
 public:
  WatchedOperator(ProgramProbe& probe, std::shared_ptr<Subtask> subtask, std::size_t position,
                  std::unique_ptr<Operator> op)
      : probe_(probe), subtask_(std::move(subtask)), position_(position), op_(std::move(op)) {}

  void open(OperatorContext& context) override {
    name_ = fmt::format("'{}' (subtask {}, attempt {})", context.info().id.value(),
                        context.info().subtask.value(), context.info().attempt.value());
    info_ = context.info();
    subtask_->index = context.info().subtask;
    if (position_ == 0) subtask_->name = name_;
    note("open", 0, 0);
    op_->open(context);
  }
  void process_batch(InputIndex input, BatchView view) override {
    called();
    note("rows", view.size(), view.size() > 0 ? view.batch.times()[view.begin].millis() : 0);
    if (position_ == 0) probe_.received(*subtask_, view, last_numbers_);
    if (probe_.late_records_ == LateRecords::kForbidden) check_times(view);
    op_->process_batch(input, view);
  }
  PollResult poll(Budget& budget) override {
    called();
    const PollResult result = op_->poll(budget);
    note("poll", static_cast<std::uint64_t>(result), 0);
    return result;
  }
  std::optional<Watermark> source_watermark() override { return op_->source_watermark(); }
  WatermarkStatus source_status() override { return op_->source_status(); }
  void on_hint(SubtaskIndex from, std::string_view payload) override {
    called();
    op_->on_hint(from, payload);
  }
  Progress advance_watermark(Watermark watermark, Budget& budget) override {
    called();
    note("watermark", 0, watermark.time.millis());
    if (watermark.time < watermark_) {
      probe_.report_(fmt::format("I10: the watermark of operator {} went back from {} to {}", name_,
                                 watermark_.millis(), watermark.time.millis()));
    }
    const Progress progress = op_->advance_watermark(watermark, budget);
    watermark_ = watermark.time;
    return progress;
  }
  ProcessingTime next_processing_time() const override { return op_->next_processing_time(); }
  Progress on_processing_time(ProcessingTime now, Budget& budget) override {
    called();
    return op_->on_processing_time(now, budget);
  }
  void end_input(InputIndex input) override { op_->end_input(input); }
  Progress finish(Budget& budget) override {
    called();
    note("finish", 0, 0);
    return op_->finish(budget);
  }
  void prepare_stop() override { op_->prepare_stop(); }
  void prepare_snapshot(CheckpointId checkpoint) override {
    if (position_ == 0 && checkpoint <= subtask_->snapshot) {
      probe_.report_(fmt::format("I4: {} takes snapshot {} after snapshot {}", name_,
                                 checkpoint.value(), subtask_->snapshot.value()));
    }
    if (position_ == 0 && probe_.knows_of_abort_ && probe_.knows_of_abort_(info_, checkpoint)) {
      probe_.report_(fmt::format("I18: {} takes snapshot {}, though it was told that it is aborted",
                                 name_, checkpoint.value()));
    }
    note("snapshot", checkpoint.value(), 0);
    op_->prepare_snapshot(checkpoint);
    // What is sent until the next call still goes in front of the barrier.
    subtask_->snapshot = checkpoint;
    subtask_->is_snapshotting = true;
    subtask_->prepared = position_;
  }
  void notify_checkpoint_complete(CheckpointId checkpoint) override {
    called();
    note("complete", checkpoint.value(), 0);
    op_->notify_checkpoint_complete(checkpoint);
  }
  void notify_checkpoint_aborted(CheckpointId checkpoint) override {
    called();
    note("aborted", checkpoint.value(), 0);
    op_->notify_checkpoint_aborted(checkpoint);
  }
  void close() noexcept override {
    note("close", 0, 0);
    op_->close();
  }
  std::span<OutputPort* const> outputs() override { return op_->outputs(); }

 private:
  void called() {
    // An operator that has still to prepare gets what those before it flush.
    if (subtask_->is_snapshotting && position_ > subtask_->prepared) return;
    if (!std::exchange(subtask_->is_snapshotting, false)) return;
    subtask_->barrier = subtask_->snapshot;
  }

  void note(std::string_view what, std::uint64_t number, std::int64_t time) {
    probe_.world_.trace().note(probe_.world_.now(), what,
                               {subtask_->vertex.value(), subtask_->index.value(), position_,
                                number, static_cast<std::uint64_t>(time)},
                               [&] { return fmt::format("{} {} {}", name_, number, time); });
  }

  void check_times(const BatchView& view) {
    if (watermark_.is_none()) return;
    for (std::size_t i = view.begin; i < view.end; ++i) {
      const EventTime time = view.batch.times()[i];
      if (time.is_none() || time > watermark_) continue;
      probe_.report_(fmt::format(
          "I10: operator {} got a record of time {} behind its watermark {}, though none is late",
          name_, time.millis(), watermark_.millis()));
      return;
    }
  }

  ProgramProbe& probe_;
  const std::shared_ptr<Subtask> subtask_;
  const std::size_t position_;
  const std::unique_ptr<Operator> op_;
  OperatorInfo info_;
  std::string name_ = "(not open)";
  EventTime watermark_ = EventTime::none();
  LastNumbers last_numbers_;
};

/// Numbers what is sent on each channel.
class ProgramProbe::WatchedSender final : public ChannelSender {
 public:
  WatchedSender(ProgramProbe& probe, std::shared_ptr<Subtask> producer, std::uint32_t edge,
                Partitioning partitioning, SubtaskIndex index)
      : probe_(probe),
        producer_(std::move(producer)),
        edge_(edge),
        partitioning_(partitioning),
        index_(index) {}

  void connect(ChannelSender& sender) { sender_ = &sender; }
  std::uint32_t channel_count() const override { return sender_->channel_count(); }
  void send(ChannelIndex channel, BatchPtr batch) override {
    const SubtaskIndex consumer =
        partitioning_ == Partitioning::kForward ? index_ : SubtaskIndex{channel.value()};
    probe_.sent(producer_, edge_, consumer, ++numbers_[channel], *batch);
    sender_->send(channel, std::move(batch));
  }

 private:
  ProgramProbe& probe_;
  const std::shared_ptr<Subtask> producer_;
  const std::uint32_t edge_;
  const Partitioning partitioning_;
  const SubtaskIndex index_;
  ChannelSender* sender_ = nullptr;
  std::map<ChannelIndex, std::uint64_t> numbers_;
};

/// A router whose channels are watched.
class ProgramProbe::WatchedRouter final : public Router {
 public:
  WatchedRouter(std::unique_ptr<Router> router, std::unique_ptr<WatchedSender> sender)
      : router_(std::move(router)), watched_(std::move(sender)) {}

  void consume(BatchPtr batch) override {
    connect_once();
    router_->consume(std::move(batch));
  }
  void flush() override {
    connect_once();
    router_->flush();
  }

 private:
  void connect_once() {
    if (is_connected_) return;
    is_connected_ = true;
    watched_->connect(*sender_);
    router_->connect(*watched_);
  }

  const std::unique_ptr<Router> router_;
  const std::unique_ptr<WatchedSender> watched_;
  bool is_connected_ = false;
};

Program ProgramProbe::watch(Program program) {
  edges_into_.assign(program.graph.vertices.size(), {});
  newest_.assign(program.graph.vertices.size(), nullptr);
  for (std::size_t vertex = 0; vertex < program.operators.size(); ++vertex) {
    const VertexId id{static_cast<std::uint32_t>(vertex)};
    const std::string name = program.graph.vertices[vertex].name;
    for (std::size_t position = 0; position < program.operators[vertex].size(); ++position) {
      OperatorFactory& factory = program.operators[vertex][position];
      factory = [this, id, position, name, make = std::move(factory)] {
        return std::make_unique<WatchedOperator>(*this, subtask_of(id, position, name), position,
                                                 make());
      };
    }
  }
  for (std::size_t edge = 0; edge < program.routers.size(); ++edge) {
    const JobEdge& described = program.graph.edges[edge];
    const auto number = static_cast<std::uint32_t>(edge);
    edges_into_[described.to.value()].push_back(number);
    RouterFactory& factory = program.routers[edge];
    factory = [this, number, from = described.from, partitioning = described.partitioning,
               make = std::move(factory)](const RouterSetup& setup) {
      auto sender = std::make_unique<WatchedSender>(*this, newest_[from.value()], number,
                                                    partitioning, setup.producer);
      return std::make_unique<WatchedRouter>(make(setup), std::move(sender));
    };
  }
  return program;
}

// A chain makes its operators in order, the head first, and then its routers.
std::shared_ptr<ProgramProbe::Subtask> ProgramProbe::subtask_of(VertexId vertex,
                                                                std::size_t position,
                                                                const std::string& name) {
  std::shared_ptr<Subtask>& newest = newest_[vertex.value()];
  if (position == 0) newest = std::make_shared<Subtask>(Subtask{vertex, name, {}, {}, {}, false});
  WEIR_CHECK(newest != nullptr);
  return newest;
}

void ProgramProbe::sent(const std::shared_ptr<Subtask>& producer, std::uint32_t edge,
                        SubtaskIndex consumer, std::uint64_t number, const Batch& batch) {
  // What another producer sent under this address was dropped with its attempt.
  auto other = in_flight_.lower_bound({&batch, 0, SubtaskIndex{0}});
  while (other != in_flight_.end() && std::get<0>(other->first) == &batch) {
    other = other->second.producer == producer ? std::next(other) : in_flight_.erase(other);
  }
  in_flight_[{&batch, edge, consumer}] = {producer, producer->barrier, number};
}

void ProgramProbe::received(Subtask& consumer, const BatchView& view, LastNumbers& last_numbers) {
  for (const std::uint32_t edge : edges_into_[consumer.vertex.value()]) {
    const auto found = in_flight_.find({&view.batch, edge, consumer.index});
    if (found == in_flight_.end()) continue;
    const Sent& sent = found->second;
    const CheckpointId producer_at = sent.barrier;
    const CheckpointId consumer_at = consumer.snapshot;
    if (producer_at > consumer_at) {
      crossings_.try_emplace(
          producer_at,
          fmt::format("I4: {} processed a record sent by {} behind barrier {} before it took its "
                      "snapshot (last snapshot {})",
                      consumer.name, sent.producer->name, producer_at.value(),
                      consumer_at.value()));
    }
    if (producer_at < consumer_at) {
      crossings_.try_emplace(
          consumer_at, fmt::format("I4: {} took snapshot {} before it processed a record that {} "
                                   "sent in front of that barrier (last barrier {})",
                                   consumer.name, consumer_at.value(), sent.producer->name,
                                   producer_at.value()));
    }
    if (view.begin == 0) {
      std::uint64_t& last = last_numbers[{edge, sent.producer.get()}];
      if (sent.number <= last) {
        report_(fmt::format("I4: {} got batch {} of {} after batch {}", consumer.name, sent.number,
                            sent.producer->name, last));
      }
      last = sent.number;
    }
    if (view.end == view.batch.size()) in_flight_.erase(found);
    return;
  }
}

void ProgramProbe::on_complete(CheckpointId checkpoint) {
  const auto found = crossings_.find(checkpoint);
  if (found != crossings_.end()) report_(found->second);
}

}  // namespace weir::simulation
