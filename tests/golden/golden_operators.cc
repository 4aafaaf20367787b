// SPDX-License-Identifier: Apache-2.0
// The states, with what is hard to store: text, nested records, negative numbers, NaN.
#include "tests/golden/golden_operators.h"

#include <weir/state.h>
#include <weir/window.h>

#include <limits>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <utility>
#include <variant>

#include "api/operators/broadcast_table.h"
#include "api/operators/fired_watermark.h"
#include "api/operators/item_state.h"
#include "api/operators/slice_state.h"
#include "api/operators/sort_buffer.h"
#include "api/operators/timer_queue.h"
#include "base/crc32c.h"
#include "state/heap/heap_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"
#include "state/snapshot/snapshot_reader.h"
#include "types/type_info.h"

namespace weir::golden {

using namespace std::chrono_literals;

enum class Mood : std::int16_t { kLow = -2, kHigh = 300 };

struct Place {
  Text name;
  double height = 0;
};
WEIR_RECORD(Place, name, height)

struct Visit {
  std::int64_t number = 0;
  Text who;
  Place place;
  std::vector<Place> seen;
  std::optional<std::int32_t> score;
  std::map<std::string, std::int8_t> marks;
  std::variant<bool, Text> answer;
  Mood mood = Mood::kLow;
  EventTime at;
};
WEIR_RECORD(Visit, number, who, place, seen, score, marks, answer, mood, at)

struct Mean {
  double sum = 0;
  std::uint32_t count = 0;
};
WEIR_RECORD(Mean, sum, count)

using PairKey = std::pair<std::int32_t, Text>;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  print(out, value);
  return out.str();
}

template <class K, class V>
std::string line(const K& key, const V& value) {
  return printed(key) + " = " + printed(value);
}

Visit visit(std::int64_t number) {
  return {number,
          Text::view("Müller-Lüdenscheidt, Kammersänger"),
          {Text::view("Sněžka"), 1603.25},
          {{Text::view("a"), -0.5}, {Text(), 0}},
          -7,
          {{"first", std::int8_t{-128}}, {"second", std::int8_t{127}}},
          Text::view("perhaps"),
          Mood::kHigh,
          EventTime(-1)};
}

/// Tells the time that was set.
class StandingClock final : public Clock {
 public:
  ProcessingTime now() const override { return now_; }
  std::int64_t monotonic_nanos() const override { return 0; }
  void advance(Duration duration) { now_ += duration; }

 private:
  ProcessingTime now_{1'800'000'000'000};
};

/// Keyed states behind the handles that users have.
template <class Key>
class KeyedOperator : public GoldenOperator {
 public:
  KeyedOperator() { tables_.use_clock(clock_); }
  void open(StateRegistry& registry) override { tables_.register_all(registry); }
  void fill(SubtaskIndex, HashRange range) override {
    for (const Key& key : keys()) {
      if (range.contains(key_hash(key))) {
        with_key(key, [&] { fill_key(key); });
      }
    }
  }
  std::vector<std::string> content() override {
    std::vector<std::string> lines;
    for (const Key& key : keys()) {
      with_key(key, [&] { append_key(key, lines); });
    }
    return lines;
  }

 protected:
  virtual std::vector<Key> keys() const = 0;
  virtual void fill_key(const Key& key) = 0;
  virtual void append_key(const Key& key, std::vector<std::string>& lines) = 0;

  StandingClock clock_;
  KeyedStates<Key> tables_;
  States<Key> states_{tables_};

 private:
  template <class F>
  void with_key(const Key& key, F&& f) {
    tables_.begin_call();
    tables_.set_key(key, key_hash(key));
    f();
    tables_.clear_key();
  }
};

class ValueOperator final : public KeyedOperator<double> {
  // -0.0 and 0.0 are one key.
  std::vector<double> keys() const override {
    return {-1.5, -0.0, kNan, std::numeric_limits<double>::infinity()};
  }
  void fill_key(const double& key) override { visits_.set(visit(key < 0 ? -1 : 1)); }
  void append_key(const double& key, std::vector<std::string>& lines) override {
    if (visits_.has_value()) lines.push_back(line(key + 0.0, visits_.value()));
  }
  ValueState<Visit> visits_ = states_.value<Visit>("visits");
};

class ListOperator final : public KeyedOperator<std::string> {
  std::vector<std::string> keys() const override { return {"", "one", std::string("a\0b\1c", 5)}; }
  void fill_key(const std::string& key) override {
    for (std::size_t i = 0; i <= key.size(); ++i) {
      places_.add({Text::view("a place with a long name"), -static_cast<double>(i)});
    }
  }
  void append_key(const std::string& key, std::vector<std::string>& lines) override {
    for (const Place& place : places_.get()) {
      lines.push_back(line(static_cast<std::int64_t>(key.size()), place));
    }
  }
  ListState<Place> places_ = states_.list<Place>("places");
};

class MapOperator final : public KeyedOperator<std::int64_t> {
  std::vector<std::int64_t> keys() const override { return {-9000000000, 0, 5}; }
  void fill_key(const std::int64_t& key) override {
    by_name_.put(Text::view("short"), {Text::view("x"), static_cast<double>(key)});
    by_name_.put(Text::view("a long user key"), {Text(), kNan});
  }
  void append_key(const std::int64_t& key, std::vector<std::string>& lines) override {
    for (const auto& entry : by_name_.entries()) {
      lines.push_back(printed(key) + "/" + line(entry.key, entry.value));
    }
  }
  MapState<Text, Place> by_name_ = states_.map<Text, Place>("by-name");
};

class ReducingOperator final : public KeyedOperator<Text> {
  std::vector<Text> keys() const override { return {Text::view("a"), Text::view("b")}; }
  void fill_key(const Text& key) override {
    for (const std::int64_t number : {-5, -6}) sum_.add(key == Text::view("a") ? number : -number);
  }
  void append_key(const Text& key, std::vector<std::string>& lines) override {
    if (sum_.get() != nullptr) lines.push_back(line(key, *sum_.get()));
  }
  ReducingState<std::int64_t> sum_ =
      states_.reducing<std::int64_t>("sum", [](std::int64_t a, std::int64_t b) { return a + b; });
};

class AggregatingOperator final : public KeyedOperator<PairKey> {
  std::vector<PairKey> keys() const override {
    return {{-1, Text::view("left")}, {1, Text::view("right")}};
  }
  void fill_key(const PairKey& key) override {
    mean_.add(key.first * 1.5);
    mean_.add(key.first * 2.5);
  }
  void append_key(const PairKey& key, std::vector<std::string>& lines) override {
    if (mean_.get().has_value()) lines.push_back(line(key, *mean_.get()));
  }
  static double finish(const Mean& mean) { return mean.sum / mean.count; }
  AggregatingState<double, Mean, double> mean_ = states_.aggregating<double, Mean, double>(
      "mean",
      [](Mean& mean, double number) {
        mean.sum += number;
        ++mean.count;
      },
      finish);
};

/// States with a time-to-live, of every kind, whose entries have two ages.
class ExpiringOperator final : public KeyedOperator<std::int64_t> {
  std::vector<std::int64_t> keys() const override { return {-1, 70'000'000'000}; }
  void fill_key(const std::int64_t& key) override {
    value_.set({Text::view("a place with a long name"), static_cast<double>(key)});
    list_.add(Text::view("an old item with a long name"));
    map_.put(Text::view("an old entry"), {Text::view("x"), -1});
    sum_.add(key);
    clock_.advance(2s);
    tables_.begin_call();
    list_.add(Text::view("young"));
    list_.add(Text());
    map_.put(Text::view("a young entry"), {Text(), kNan});
    mean_.add(key < 0 ? -2.5 : 2.5);
  }
  void append_key(const std::int64_t& key, std::vector<std::string>& lines) override {
    if (value_.has_value()) lines.push_back(line(key, value_.value()));
    for (const Text& item : list_.get()) lines.push_back(line(key, item));
    for (const auto& entry : map_.entries()) {
      lines.push_back(printed(key) + "/" + line(entry.key, entry.value));
    }
    if (sum_.get() != nullptr) lines.push_back(line(key, *sum_.get()));
    if (mean_.get().has_value()) lines.push_back(line(key, *mean_.get()));
  }
  ValueState<Place> value_ = states_.value<Place>("value", Ttl(1h));
  ListState<Text> list_ = states_.list<Text>("list", Ttl(24h));
  MapState<Text, Place> map_ = states_.map<Text, Place>("map", Ttl(90min).renewed_by_reads());
  ReducingState<std::int64_t> sum_ = states_.reducing<std::int64_t>(
      "sum", [](std::int64_t a, std::int64_t b) { return a + b; }, Ttl(365 * 24h));
  AggregatingState<double, Mean, double> mean_ = states_.aggregating<double, Mean, double>(
      "mean",
      [](Mean& mean, double number) {
        mean.sum += number;
        ++mean.count;
      },
      [](const Mean& mean) { return mean.sum / mean.count; }, Ttl(1min));
};

class TimerOperator final : public GoldenOperator {
  void open(StateRegistry& registry) override {
    registry.add(event_);
    registry.add(processing_);
  }
  void fill(SubtaskIndex, HashRange) override {
    for (const std::string_view name : {"a", "a key with a long name"}) {
      const Text key = Text::view(name);
      event_.add(EventTime(-5), key, key_hash(key));
      event_.add(EventTime::max(), key, key_hash(key));
      processing_.add(ProcessingTime(1'800'000'000'000), key, key_hash(key));
    }
  }
  std::vector<std::string> content() override {
    std::vector<std::string> lines;
    while (const auto* timer = event_.pop(EventTime::max())) {
      lines.push_back("event " + line(timer->key, timer->time));
    }
    while (const auto* timer = processing_.pop(ProcessingTime::max())) {
      lines.push_back("processing " + line(timer->key, timer->time));
    }
    return lines;
  }
  TimerQueue<Text> event_{"event-time-timers"};
  TimerQueue<Text, ProcessingTime> processing_{"processing-time-timers"};
};

class WindowOperator final : public GoldenOperator {
  void open(StateRegistry& registry) override { registry.add(slices_); }
  void fill(SubtaskIndex, HashRange) override {
    const Text key = Text::view("account");
    slices_.table(-60000).find_or_insert(key, key_hash(key)) = {-2.5, 1};
    slices_.table(60000).find_or_insert(key, key_hash(key)) = {7.25, 4'000'000'000U};
  }
  std::vector<std::string> content() override {
    std::vector<std::string> lines;
    for (const auto& [begin, table] : slices_.slices()) {
      table->for_each([&, at = begin](const Text& key, std::uint32_t, const Mean& mean) {
        lines.push_back(printed(at) + "/" + line(key, mean));
      });
    }
    return lines;
  }
  detail::SliceState<Text, Mean> slices_{tumbling(1min)};
};

class BufferOperator final : public GoldenOperator {
  void open(StateRegistry& registry) override { registry.add(buffer_); }
  void fill(SubtaskIndex, HashRange) override {
    buffer_.add(visit(2), EventTime(20), 7);
    buffer_.add(visit(3), EventTime(20), 7);
    buffer_.add(visit(-1), EventTime(-10), 4'000'000'000U);
  }
  std::vector<std::string> content() override {
    std::vector<std::string> lines;
    for (;;) {
      const auto& taken = buffer_.take(EventTime::max());
      if (taken.empty()) return lines;
      for (const auto* row : taken) {
        lines.push_back(printed(row->time.millis()) + "/" + line(row->hash, row->row.number));
      }
    }
  }
  detail::SortBuffer<Visit> buffer_;
};

class ItemOperator final : public GoldenOperator {
 public:
  ItemOperator(StateDistribution distribution, HashRange range)
      : items_("items", distribution), fired_(range) {}

 private:
  void open(StateRegistry& registry) override {
    registry.add(items_);
    registry.add(fired_);
  }
  void fill(SubtaskIndex subtask, HashRange) override {
    const double height = -1.0 - subtask.value();
    items_.set({{Text::view("an item with a long name"), height}, {Text::view("item"), height}});
    fired_.advance(EventTime(-100 * (1 + std::int64_t{subtask.value()})));
  }
  std::vector<std::string> content() override {
    std::vector<std::string> lines;
    for (const Place& item : items_.items()) lines.push_back(printed(item));
    lines.push_back("fired through " + printed(fired_.least()));
    return lines;
  }
  ItemState<Place> items_;
  FiredWatermarks fired_;
};

class BroadcastMapOperator final : public GoldenOperator {
  using Key = std::pair<std::int32_t, Text>;
  using Table = BroadcastTable<Key, Visit>;
  void open(StateRegistry& registry) override { registry.add(table_); }
  void fill(SubtaskIndex, HashRange) override {
    for (const std::int32_t number : {300, -7}) {
      for (const char* text : {"", "a user key that is too long for a short one"}) {
        table_.update({number, Text::view(text)}, [&](Visit& held) { held = visit(number); });
      }
    }
  }
  std::vector<std::string> content() override {
    std::vector<std::string> lines;
    for (const auto& entry : table_.entries()) lines.push_back(line(entry.key, entry.value));
    return lines;
  }
  Table table_{Table::describe("rules")};
};

template <class Operator>
GoldenKind keyed(std::string id, std::uint32_t parallelism = 1) {
  return {OperatorId{std::move(id)}, Parallelism{parallelism},
          [](HashRange) { return std::make_unique<Operator>(); }};
}
GoldenKind items(std::string id, StateDistribution distribution) {
  return {OperatorId{std::move(id)}, Parallelism{2}, [distribution](HashRange range) {
            return std::make_unique<ItemOperator>(distribution, range);
          }};
}

/// A snapshot file that is one however small it is.
class WholeFile final : public SnapshotFile {
 public:
  WholeFile(FileStore& files, std::string path) : files_(files), path_(std::move(path)) {}
  Status append(ByteView bytes) override {
    bytes_ += bytes;
    return Status::ok();
  }
  std::uint64_t size() const override { return bytes_.size(); }
  Result<StateHandle> finish() override {
    WEIR_RETURN_IF_ERROR(write_file_atomically(files_, path_ + ".tmp", path_, bytes_));
    return StateHandle{path_, "", bytes_.size(), crc32c(bytes_)};
  }

 private:
  FileStore& files_;
  std::string path_;
  std::string bytes_;
};

class WholeFileWriter final : public CheckpointWriter {
 public:
  WholeFileWriter(FileStore& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  Result<std::unique_ptr<SnapshotFile>> create(const std::string& name) override {
    return std::unique_ptr<SnapshotFile>(
        std::make_unique<WholeFile>(files_, directory_ + "/" + file_name_of(name)));
  }
  Result<std::unique_ptr<SnapshotFile>> create_run(const std::string& name) override {
    return create(name);
  }

 private:
  FileStore& files_;
  std::string directory_;
};

HashRange range_of(SubtaskIndex subtask, Parallelism parallelism) {
  return hash_range(key_group_range(kGoldenMaxParallelism, parallelism, subtask),
                    kGoldenMaxParallelism);
}

Result<OperatorCheckpoint> write_operator(FileStore& files, const GoldenKind& kind,
                                          CheckpointWriter& writer, CheckpointId checkpoint) {
  HeapStateBackend backend(files);
  OperatorCheckpoint result{kind.id, kind.id.value(), kGoldenMaxParallelism, {}, {}};
  for (std::uint32_t i = 0; i < kind.parallelism.value(); ++i) {
    const SubtaskIndex subtask{i};
    const HashRange range = range_of(subtask, kind.parallelism);
    const std::unique_ptr<GoldenOperator> op = kind.make(range);
    WEIR_ASSIGN_OR_RETURN(
        const std::unique_ptr<OperatorStateBackend> state,
        backend.open({kind.id, subtask, kind.parallelism, kGoldenMaxParallelism, {}}));
    op->open(*state);
    op->fill(subtask, range);
    const std::string name = kind.id.value() + "-" + std::to_string(i);
    WEIR_ASSIGN_OR_RETURN(StateHandle handle, state->freeze(checkpoint)->write(writer, name));
    WEIR_ASSIGN_OR_RETURN(const auto reader, SnapshotReader::open(files, handle));
    result.states.clear();
    for (const auto& written : reader->index().states) {
      result.states.push_back(written.descriptor);
    }
    result.subtasks.push_back(std::move(handle));
  }
  return result;
}

}  // namespace

std::vector<GoldenKind> golden_kinds(int version) {
  GoldenKind expiring = keyed<ExpiringOperator>("ttl");
  expiring.since = 2;
  GoldenKind broadcast = keyed<BroadcastMapOperator>("broadcast", 2);
  broadcast.since = 3;
  std::vector<GoldenKind> kinds = {
      keyed<ValueOperator>("value", 2),
      keyed<ListOperator>("list"),
      keyed<MapOperator>("map"),
      keyed<ReducingOperator>("reducing"),
      keyed<AggregatingOperator>("aggregating"),
      keyed<TimerOperator>("timers"),
      keyed<WindowOperator>("window"),
      keyed<BufferOperator>("buffer"),
      items("split", StateDistribution::kSplit),
      items("union", StateDistribution::kUnion),
      expiring,
      broadcast,
  };
  std::erase_if(kinds, [version](const GoldenKind& kind) { return kind.since > version; });
  return kinds;
}

Status write_golden_files(FileStore& files, const std::string& directory, int version) {
  const std::size_t slash = directory.rfind('/');
  WEIR_ASSIGN_OR_RETURN(const auto storage,
                        DirectoryCheckpointStorage::open(files, directory.substr(0, slash),
                                                         directory.substr(slash + 1)));
  for (const CheckpointId id : {CheckpointId{1}, CheckpointId{2}}) {
    WEIR_RETURN_IF_ERROR(storage->begin(id));
    CheckpointMetadata metadata{.job_name = "golden",
                                .id = id,
                                .kind = CheckpointKind::kCheckpoint,
                                .attempt = AttemptNumber{1},
                                .triggered_at = ProcessingTime(1'800'000'000'000),
                                .completed_at = ProcessingTime(1'800'000'000'250),
                                .operators = {}};
    const std::unique_ptr<CheckpointWriter> inside = storage->writer(id);
    WholeFileWriter outside(files, storage->directory() + "/chk-" + std::to_string(id.value()));
    CheckpointWriter& writer = id.value() == 1 ? *inside : outside;
    for (const GoldenKind& kind : golden_kinds(version)) {
      WEIR_ASSIGN_OR_RETURN(OperatorCheckpoint op, write_operator(files, kind, writer, id));
      metadata.operators.push_back(std::move(op));
    }
    WEIR_RETURN_IF_ERROR(storage->publish(metadata));
  }
  return Status::ok();
}

Result<std::vector<std::string>> restored_content(StateBackend& backend,
                                                  const CheckpointMetadata& metadata,
                                                  const GoldenKind& kind, SubtaskIndex subtask,
                                                  Parallelism parallelism) {
  for (const OperatorCheckpoint& stored : metadata.operators) {
    if (stored.id != kind.id) {
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(
        const std::unique_ptr<OperatorStateBackend> state,
        backend.open({kind.id, subtask, parallelism, kGoldenMaxParallelism, stored.subtasks}));
    const std::unique_ptr<GoldenOperator> op = kind.make(range_of(subtask, parallelism));
    try {
      op->open(*state);
    } catch (const StatusError& error) {
      return error.status();
    }
    return op->content();
  }
  return not_found("operator '" + kind.id.value() + "'");
}

}  // namespace weir::golden
