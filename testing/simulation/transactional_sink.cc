// SPDX-License-Identifier: Apache-2.0
// The writer: segments between barriers are state until their checkpoint is complete.
#include "testing/simulation/transactional_sink.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace weir::simulation {
namespace {

using Segments = std::map<SegmentId, std::vector<OracleRecord>>;

// What one subtask had written but not committed at a barrier.
struct SinkSnapshot {
  CheckpointId checkpoint;
  SubtaskIndex subtask;
  Segments pending;
  std::uint32_t padding = 0;
};

StateDescriptor descriptor() {
  return {.name = "segments",
          .kind = StateKind::kOperator,
          .distribution = StateDistribution::kUnion,
          .key_schema = "",
          .value_schema = "simulated-segments"};
}

std::string encode(const SinkSnapshot& snapshot) {
  ByteWriter out;
  out.put_varint64(snapshot.checkpoint.value());
  out.put_varint32(snapshot.subtask.value());
  out.put_varint64(snapshot.pending.size());
  for (const auto& [id, records] : snapshot.pending) {
    out.put_varint32(id.sink);
    out.put_varint64(id.checkpoint.value());
    out.put_varint32(id.subtask.value());
    out.put_varint64(records.size());
    for (const OracleRecord& record : records) {
      out.put_varint32(record.key);
      out.put_zigzag(record.value);
      out.put_zigzag(record.time);
      out.put_varint32(record.made_from.count);
      out.put_fixed64(record.made_from.sum);
    }
  }
  out.put_bytes(std::string(snapshot.padding * 8, 'x'));
  return out.take();
}

SinkSnapshot decode(ByteView bytes) {
  ByteReader in(bytes);
  SinkSnapshot snapshot;
  snapshot.checkpoint = CheckpointId{in.get_varint64()};
  snapshot.subtask = SubtaskIndex{in.get_varint32()};
  for (std::uint64_t segments = in.get_varint64(); segments > 0; --segments) {
    SegmentId id;
    id.sink = in.get_varint32();
    id.checkpoint = CheckpointId{in.get_varint64()};
    id.subtask = SubtaskIndex{in.get_varint32()};
    std::vector<OracleRecord>& records = snapshot.pending[id];
    for (std::uint64_t left = in.get_varint64(); left > 0; --left) {
      OracleRecord record;
      record.key = in.get_varint32();
      record.value = in.get_zigzag();
      record.time = in.get_zigzag();
      record.made_from.count = in.get_varint32();
      record.made_from.sum = in.get_fixed64();
      records.push_back(record);
    }
  }
  return snapshot;
}

class FrozenSegments final : public FrozenState {
 public:
  explicit FrozenSegments(SinkSnapshot snapshot) : snapshot_(std::move(snapshot)) {}
  Status write(StateEntrySink& sink) override { return sink.entry(0, {}, encode(snapshot_)); }

 private:
  const SinkSnapshot snapshot_;
};

class TransactionalWriter final : public SinkWriter<SimRecord>, private StateTable {
 public:
  TransactionalWriter(const TransactionalSink& options)
      : store_(*options.store),
        sink_(options.sink),
        padding_(options.padding),
        descriptor_(simulation::descriptor()) {}

  void open(OperatorContext& context) override {
    context_ = &context;
    context.state().add(*this);
    if (restored_.empty()) return;
    // Every subtask got the snapshots of all: it takes over those that fall to its index.
    const std::uint32_t parallelism = context.info().parallelism.value();
    CheckpointId checkpoint;
    for (const SinkSnapshot& snapshot : restored_) {
      checkpoint = snapshot.checkpoint;
      if (snapshot.subtask.value() % parallelism != context.info().subtask.value()) continue;
      pending_.insert(snapshot.pending.begin(), snapshot.pending.end());
    }
    restored_.clear();
    commit(checkpoint);
  }

  void write(const TypedBatch<SimRecord>& batch, std::size_t begin, std::size_t end) override {
    for (std::size_t i = begin; i < end; ++i) {
      const SimRecord& record = batch.rows()[i];
      if (!is_intact(record.label.view())) {
        throw std::logic_error("text was damaged on its way: '" + std::string(record.label.view()) +
                               "' in " + to_string(plain(record)));
      }
      if (batch.times()[i] != record.at) {
        throw std::logic_error("event time was damaged on its way: " + to_string(plain(record)));
      }
      current_.push_back(plain(record));
    }
  }

  void prepare_commit(CheckpointId checkpoint) override {
    pending_[{sink_, checkpoint, context_->info().subtask}] = std::exchange(current_, {});
  }

  void commit(CheckpointId checkpoint) override {
    for (auto segment = pending_.begin(); segment != pending_.end();) {
      if (segment->first.checkpoint > checkpoint) {
        ++segment;
        continue;
      }
      store_.commit(segment->first, segment->second);
      segment = pending_.erase(segment);
    }
    context_->report_committed(checkpoint);
  }

 private:
  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId checkpoint) override {
    return std::make_unique<FrozenSegments>(
        SinkSnapshot{checkpoint, context_->info().subtask, pending_, padding_});
  }
  void restore(std::uint32_t, ByteView, ByteView value) override {
    restored_.push_back(decode(value));
  }

  TransactionalStore& store_;
  const std::uint32_t sink_;
  const std::uint32_t padding_;
  const StateDescriptor descriptor_;
  OperatorContext* context_ = nullptr;
  std::vector<OracleRecord> current_;
  Segments pending_;
  std::vector<SinkSnapshot> restored_;
};

}  // namespace

std::vector<StateDescriptor> TransactionalSink::states() const { return {descriptor()}; }

std::unique_ptr<SinkWriter<SimRecord>> TransactionalSink::make_writer() const {
  return std::make_unique<TransactionalWriter>(*this);
}

}  // namespace weir::simulation
