// SPDX-License-Identifier: Apache-2.0
// When to open the floor, what to write to it and what to let go.
#include "state/floor/write_back.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

// Parts of the share of memory.
constexpr std::uint64_t kSpilledPart = 16;   // what is written at a time to make room
constexpr std::uint64_t kUnspilledPart = 8;  // what may wait in memory for its run
constexpr std::uint64_t kEvictedPart = 64;   // how much room is made beyond what is needed
constexpr std::uint64_t kOverPart = 16;      // by how much it may be passed before records wait
// How much larger entries are in memory than they are stored.
constexpr std::uint64_t kMemoryPerStored = 2;

EvictableTable& evictable(StateTable* table) { return *table->evictable(); }

// What is stored of each key.
Result<std::vector<StoredEntries>> load(const StateFloor& floor, std::uint16_t state, bool is_map,
                                        const std::vector<StoredKey>& keys) {
  std::vector<StoredEntries> loaded(keys.size());
  if (!is_map) {
    WEIR_RETURN_IF_ERROR(floor.load(state, keys, [&](std::size_t i, ByteView value) {
      loaded[i].emplace_back(keys[i].bytes, value);
      return Status::ok();
    }));
    return loaded;
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    WEIR_RETURN_IF_ERROR(
        floor.load_all(state, keys[i], [&](std::uint32_t, ByteView key, ByteView value) {
          loaded[i].emplace_back(key, value);
          return Status::ok();
        }));
  }
  return loaded;
}

bool is_map(const StateTable& table) { return table.descriptor().kind == StateKind::kMap; }

}  // namespace

/// The floor as one table sees it.
class WriteBack::Floor final : public TableFloor {
 public:
  Floor(const StateFloor& floor, std::uint16_t number, bool is_map)
      : floor_(floor), number_(number), is_map_(is_map) {}
  StoredEntries load(const StoredKey& key) override {
    ++loads_;
    Result<std::vector<StoredEntries>> loaded = weir::load(floor_, number_, is_map_, {key});
    throw_if_error(loaded.status());
    return std::move(loaded->front());
  }
  /// Keys loaded one by one.
  std::uint64_t loads() const { return loads_; }

 private:
  const StateFloor& floor_;
  const std::uint16_t number_;
  const bool is_map_;
  std::uint64_t loads_ = 0;
};

WriteBack::WriteBack(FloorOptions options, std::string name, std::shared_ptr<RunLog> log)
    : options_(std::move(options)), name_(std::move(name)), log_(std::move(log)) {}

WriteBack::~WriteBack() = default;

std::uint64_t WriteBack::bytes_allowed() {
  if (!share_) {
    share_.emplace(options_.memory);
  }
  return share_->bytes();
}

bool WriteBack::is_too_large(std::uint64_t bytes) {
  return bytes * kMemoryPerStored > bytes_allowed();
}

void WriteBack::add(StateTable& table) {
  tables_.push_back(&table);
  log_->add_floor_state(table.descriptor());
  if (floor_ != nullptr) {
    begin(tables_.size() - 1, 0);
  }
}

void WriteBack::begin(std::size_t position, std::size_t evicted) {
  StateTable& table = *tables_[position];
  floors_.resize(std::max(floors_.size(), position + 1));
  floors_[position] =
      std::make_unique<Floor>(*floor_, static_cast<std::uint16_t>(position), is_map(table));
  evictable(&table).begin_eviction(*floors_[position], evicted, log_->last_ticket());
}

void WriteBack::start_over() {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (!evictable(tables_[i]).has_evicted()) {
      tables_[i]->track_changes(false);
      if (floor_ != nullptr) {
        begin(i, 0);
      }
    }
  }
}

void WriteBack::use(std::shared_ptr<StateFloor> floor) {
  floor_ = std::move(floor);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    begin(i, 0);
  }
}

Result<std::shared_ptr<StateFloor>> WriteBack::open(const FloorOptions& options,
                                                    const std::string& name, std::uint64_t bytes,
                                                    RunLog& log) {
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<StateFloor> floor, options.open());
  log.use_floor(
      floor,
      std::make_unique<SpillFolder>(options.local_files, options.local_directory + "/" + name),
      bytes / kUnspilledPart);
  return floor;
}

void WriteBack::take_in(StateTable& table, const std::function<void(StateTable&)>& feed) {
  if (floor_ == nullptr) {
    Result<std::shared_ptr<StateFloor>> floor = open(options_, name_, bytes_allowed(), *log_);
    throw_if_error(floor.status());
    use(std::move(*floor));
  }
  tables_.push_back(&table);
  log_->add_floor_state(table.descriptor());
  const std::size_t position = tables_.size() - 1;
  Intake intake(table, *floor_, static_cast<std::uint16_t>(position),
                bytes_allowed() / kUnspilledPart);
  feed(intake);
  intake.flush();
  table.track_changes(true);
  begin(position, intake.keys());
}

StateWork WriteBack::open_later() {
  auto opened = std::make_shared<Result<std::shared_ptr<StateFloor>>>(nullptr);
  return {.work = [opened, options = options_, name = name_, bytes = bytes_allowed(),
                   log = log_] { *opened = open(options, name, bytes, *log); },
          .done =
              [this, opened] {
                throw_if_error(opened->status());
                use(std::move(**opened));
              }};
}

std::uint64_t WriteBack::bytes_used() const {
  std::uint64_t sum = 0;
  for (StateTable* table : tables_) {
    sum += evictable(table).size() * evictable(table).bytes_per_entry();
  }
  return sum;
}

bool WriteBack::evict(std::uint64_t bytes) {
  const std::uint64_t used = bytes_used();
  bool is_enough = true;
  for (StateTable* each : tables_) {
    EvictableTable& table = evictable(each);
    // In proportion to what each of them holds.
    const std::size_t entries =
        bytes == 0 ? 0 : table.size() * std::min(bytes, used) / std::max<std::uint64_t>(used, 1);
    is_enough = table.evict(entries, log_->arrived()) >= entries && is_enough;
  }
  return is_enough;
}

StateWork WriteBack::spill(bool holds_records) {
  FrozenChangesOfStates changes;
  const std::uint64_t bytes = bytes_allowed() / kSpilledPart / tables_.size();
  for (StateTable* each : tables_) {
    EvictableTable& table = evictable(each);
    constexpr std::size_t kEntriesMin = 16;
    const std::size_t entries = bytes / std::max<std::size_t>(table.bytes_per_entry(), 1);
    auto frozen = table.freeze_some(std::max(entries, kEntriesMin));
    changes.push_back({each->descriptor(), std::move(frozen.changed), std::move(frozen.others)});
  }
  return wait_for(log_->add(RunLog::Purpose::kSpill, CheckpointId{}, std::move(changes)),
                  holds_records);
}

StateWork WriteBack::wait_for(RunLog::Ticket ticket, bool holds_records) const {
  auto status = std::make_shared<Status>();
  return {.work = [log = log_, ticket, status] { *status = log->take_in(ticket); },
          .done = [status] { throw_if_error(*status); },
          .holds_records = holds_records};
}

std::optional<StateWork> WriteBack::make_room(std::size_t records) {
  if (tables_.empty()) {
    return std::nullopt;
  }
  const std::uint64_t limit = bytes_allowed();
  std::uint64_t coming = 0;
  for (StateTable* table : tables_) {
    coming += records * evictable(table).bytes_per_entry();
  }
  std::uint64_t used = bytes_used();
  if (floor_ == nullptr) {
    return used + coming <= limit ? std::nullopt : std::optional(open_later());
  }
  const RunLog::Ticket arrived = log_->arrived();
  // When too little could go, that is so until more has arrived.
  const std::uint64_t over = limit + limit / kOverPart;
  const bool is_futile = futile_at_ == arrived && used + coming <= over;
  const bool is_enough =
      evict(used + coming > limit && !is_futile ? used + coming - limit + limit / kEvictedPart : 0);
  futile_at_ = is_enough && !is_futile ? std::nullopt : std::optional(arrived);
  used = bytes_used();
  const bool has_arrived = arrived == log_->last_ticket();
  if (used + coming > over) {
    if (!has_arrived) {
      return wait_for(log_->last_ticket(), true);
    }
    if (has_unfrozen()) {
      return spill(true);
    }
  }
  // In time, so that nothing need wait for it.
  if (has_arrived && futile_at_ && has_unfrozen()) {
    return spill(false);
  }
  return std::nullopt;
}

bool WriteBack::has_unfrozen() const {
  return std::any_of(tables_.begin(), tables_.end(),
                     [](StateTable* table) { return evictable(table).has_unfrozen(); });
}

std::optional<StateWork> WriteBack::load_wanted() {
  struct Load {
    std::uint16_t number;
    bool is_map;
    std::vector<StoredKey> keys;
    Result<std::vector<StoredEntries>> loaded;
  };
  auto loads = std::make_shared<std::vector<Load>>();
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    std::vector<StoredKey> keys = evictable(tables_[i]).take_wanted();
    if (!keys.empty()) {
      loads_ += keys.size();
      loads->push_back({static_cast<std::uint16_t>(i), is_map(*tables_[i]), std::move(keys),
                        std::vector<StoredEntries>{}});
    }
  }
  if (loads->empty()) {
    return std::nullopt;
  }
  return StateWork{
      .work =
          [loads, floor = floor_] {
            for (Load& each : *loads) {
              each.loaded = load(*floor, each.number, each.is_map, each.keys);
            }
          },
      .done =
          [this, loads] {
            for (const Load& each : *loads) {
              throw_if_error(each.loaded.status());
              for (std::size_t i = 0; i < each.keys.size(); ++i) {
                evictable(tables_[each.number]).take_loaded(each.keys[i], (*each.loaded)[i]);
              }
            }
          }};
}

std::uint64_t WriteBack::loads() const {
  std::uint64_t sum = loads_;
  for (const auto& floor : floors_) {
    sum += floor->loads();
  }
  return sum;
}

}  // namespace weir
