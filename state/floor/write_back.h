// SPDX-License-Identifier: Apache-2.0
// WriteBack: keeps the tables of one operator subtask within their share of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/evictable_table.h"
#include "core/state_table.h"
#include "state/floor/intake.h"
#include "state/floor/state_floor.h"
#include "state/floor/table_memory.h"
#include "state/incremental/run_log.h"

namespace weir {

/// What the tables of a process have below them.
struct FloorOptions {
  StateFloorFactory open;
  TableMemory& memory;
  FileStore& local_files;
  std::string local_directory;  ///< each spill folder is made below it, under a name of its own
};

/// While all fits into memory, nothing is done. When it no longer does, a floor is opened, and what
/// is in the tables goes there step by step. From then on what changed goes there before it is too
/// much, and entries that were not used lately leave memory to make room.
///
/// Thread: the subtask's.
class WriteBack {
 public:
  /// `name`: of the folder for changes that wait for their run.
  WriteBack(FloorOptions options, std::string name, std::shared_ptr<RunLog> log);
  ~WriteBack();

  /// Adds a table, restored and with its changes tracked.
  void add(StateTable& table);
  /// Adds a table that starts empty: what `feed` gives it goes to the floor. Blocks on files;
  /// throws StatusError.
  void take_in(StateTable& table, const std::function<void(StateTable&)>& feed);
  /// Whether stored entries of so many bytes would leave no room for anything else.
  bool is_too_large(std::uint64_t bytes);
  /// What is in the tables counts as changed. Before the first record.
  void start_over();
  bool has_floor() const { return floor_ != nullptr; }

  std::optional<StateWork> make_room(std::size_t records);
  std::optional<StateWork> load_wanted();

  const std::vector<StateTable*>& tables() const { return tables_; }
  /// Keys that were looked for on the floor.
  std::uint64_t loads() const;

 private:
  class Floor;

  // Opens the floor of a log; thread: any.
  static Result<std::shared_ptr<StateFloor>> open(const FloorOptions& options,
                                                  const std::string& name, std::uint64_t bytes,
                                                  RunLog& log);
  StateWork open_later();
  void use(std::shared_ptr<StateFloor> floor);
  // `evicted`: how many keys are on the floor, none of them in the table.
  void begin(std::size_t position, std::size_t evicted);
  std::uint64_t bytes_allowed();
  std::uint64_t bytes_used() const;
  bool has_unfrozen() const;
  // Returns whether so much could go.
  bool evict(std::uint64_t bytes);
  StateWork spill(bool holds_records);
  StateWork wait_for(RunLog::Ticket ticket, bool holds_records) const;

  const FloorOptions options_;
  const std::string name_;
  const std::shared_ptr<RunLog> log_;
  std::optional<TableMemory::Share> share_;  // once there is a table
  std::vector<StateTable*> tables_;
  std::vector<std::unique_ptr<Floor>> floors_;  // by table
  std::shared_ptr<StateFloor> floor_;           // null until it is needed
  std::optional<RunLog::Ticket> futile_at_;     // what had arrived when too little could be evicted
  std::uint64_t loads_ = 0;                     // ahead of records
};

}  // namespace weir
