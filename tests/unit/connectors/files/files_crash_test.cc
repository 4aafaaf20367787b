// SPDX-License-Identifier: Apache-2.0
// The file sink under random crashes, power losses, rescales, lost notifications and attempts that
// go on after they were given up: every record is visible exactly once.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "connectors/files/rolling_files.h"
#include "tests/unit/connectors/fake_context.h"
#include "tests/unit/connectors/power_loss_store.h"

namespace weir::detail {
namespace {

constexpr const char* kFolder = "out";

struct Subtask {
  Subtask(PowerLossStore& store, std::uint64_t roll_bytes)
      : context(&store),
        sink({.path = kFolder,
              .prefix = "part",
              .roll_bytes = roll_bytes,
              .roll_interval = std::chrono::seconds{10},
              .inactivity = std::chrono::seconds{5},
              .header = {}}) {}
  FakeContext context;
  RollingFiles sink;
};

// A completed checkpoint: the sinks' state, and how far the input had been read.
struct Checkpoint {
  std::uint64_t id = 0;
  std::size_t records = 0;
  std::vector<StateImage> images;
};

// One job whose only operator is the sink, under one seed.
class CrashRun {
 public:
  explicit CrashRun(std::uint64_t seed)
      : rng_(seed), total_(20 + rng_.uniform(200)), roll_bytes_(1 + rng_.uniform(80)) {}

  void run() {
    start();
    for (std::uint64_t steps = 0; written_ < total_ || steps < 50; ++steps) {
      step();
      if (steps % 8 == 0) {
        ASSERT_NO_FATAL_FAILURE(check_visible(completed_ ? completed_->records : 0));
      }
    }
    for (auto& subtask : job_) subtask->sink.finish();
    take_checkpoint();
    notify_all();
    for (auto& subtask : job_) subtask->context.run_all();
    ASSERT_NO_FATAL_FAILURE(check_visible(total_));
    EXPECT_EQ(visible_records().size(), total_);
    for (auto& subtask : job_) EXPECT_EQ(subtask->context.committed().back(), completed_->id);
  }

 private:
  void start() {
    if (rng_.chance(0.3)) ++run_;
    ++attempt_;
    const std::uint32_t parallelism = 1 + static_cast<std::uint32_t>(rng_.uniform(3));
    job_.clear();
    for (std::uint32_t i = 0; i < parallelism; ++i) {
      auto subtask = std::make_unique<Subtask>(store_, roll_bytes_);
      OperatorInfo& info = subtask->context.mutable_info();
      info.job = JobId{run_};
      info.attempt = AttemptNumber{attempt_};
      info.subtask = SubtaskIndex{i};
      info.parallelism = Parallelism{parallelism};
      if (completed_) {
        for (const StateImage& image : completed_->images) {
          subtask->context.registry().restore_from(image);
        }
      }
      job_.push_back(std::move(subtask));
    }
    written_ = completed_ ? completed_->records : 0;
    for (std::size_t i = 0; i < job_.size(); ++i) {
      job_[i]->sink.open(job_[i]->context);
      if (!rng_.chance(0.1)) continue;
      job_.resize(i + 1);  // a crash before the others open
      return crash();
    }
  }

  void step() {
    switch (rng_.uniform(12)) {
      case 0: crash(); break;
      case 1:
      case 2:
      case 3: take_checkpoint(); break;
      case 4:
      case 5: notify_some(); break;
      case 6: run_some_commits(); break;
      case 7: pass_time(); break;
      case 8: move_zombies(); break;
      default: write_some(); break;
    }
  }

  void write_to(Subtask& subtask, std::size_t record) {
    subtask.sink.buffer() += std::to_string(record) + "\n";
    subtask.sink.end_record();
    subtask.sink.end_batch();
  }
  void write_some() {
    for (std::uint64_t i = rng_.uniform(8); i > 0 && written_ < total_; --i, ++written_) {
      write_to(*job_[written_ % job_.size()], written_);
    }
  }
  void pass_time() {
    for (auto& subtask : job_) {
      subtask->context.manual_clock().advance(std::chrono::seconds{rng_.uniform(8)});
      subtask->sink.on_processing_time(subtask->context.clock().now());
    }
  }

  void take_checkpoint() {
    Checkpoint checkpoint{.id = ++last_id_, .records = written_, .images = {}};
    std::vector<std::vector<std::pair<std::string, std::unique_ptr<FrozenState>>>> frozen;
    for (auto& subtask : job_) {
      subtask->sink.prepare_commit(CheckpointId{checkpoint.id});
      frozen.push_back(subtask->context.registry().freeze(CheckpointId{checkpoint.id}));
    }
    // Records after the barrier, before the snapshot is written.
    if (written_ < total_ && rng_.chance(0.5)) write_some();
    if (rng_.chance(0.2) && written_ < total_) return;  // aborted
    for (auto& states : frozen) {
      checkpoint.images.push_back(FakeStateRegistry::write(states).value());
    }
    completed_ = std::move(checkpoint);
    to_notify_.push_back(completed_->id);
  }
  void notify_all() {
    for (auto& subtask : job_) subtask->sink.commit(CheckpointId{completed_->id});
  }
  void notify_some() {
    if (to_notify_.empty()) return;
    const std::size_t which = rng_.uniform(to_notify_.size());
    const std::uint64_t id = to_notify_[which];
    to_notify_.erase(to_notify_.begin() + static_cast<std::ptrdiff_t>(which));
    for (auto& subtask : job_) {
      if (!rng_.chance(0.2)) subtask->sink.commit(CheckpointId{id});
    }
  }
  void run_some_commits() {
    for (auto& subtask : job_) {
      if (rng_.chance(0.5)) subtask->context.run_all();
    }
  }

  void crash() {
    to_notify_.clear();
    const bool loses_power = rng_.chance(0.5);
    for (auto& subtask : job_) {
      if (rng_.chance(0.5)) subtask->context.run_all_without_mail();
      if (!loses_power && rng_.chance(0.3)) zombies_.push_back(std::move(subtask));
    }
    if (loses_power) {
      zombies_.clear();
      store_.lose_power();
    }
    start();
  }
  // What was given up may still write, and finish its commits.
  void move_zombies() {
    for (auto& zombie : zombies_) {
      if (zombie == nullptr || zombie->sink.buffer().size() > 100) continue;
      if (rng_.chance(0.5)) zombie->context.run_all_without_mail();
      zombie->sink.buffer() += "zombie\n";
      zombie->sink.prepare_commit(CheckpointId{last_id_});
    }
  }

  std::vector<std::size_t> visible_records() const {
    std::vector<std::size_t> records;
    for (const std::string& name : store_.names(kFolder)) {
      if (name.front() == '.') continue;
      std::istringstream lines(store_.content(std::string(kFolder) + "/" + name));
      for (std::string line; std::getline(lines, line);) {
        EXPECT_NE(line, "zombie");
        records.push_back(line == "zombie" ? 0 : std::stoul(line));
      }
    }
    std::sort(records.begin(), records.end());
    return records;
  }
  void check_visible(std::size_t covered) {
    const std::vector<std::size_t> records = visible_records();
    ASSERT_TRUE(std::adjacent_find(records.begin(), records.end()) == records.end())
        << "a record is visible twice";
    if (!records.empty()) {
      ASSERT_LT(records.back(), covered) << "visible before its checkpoint";
    }
  }
  std::size_t num_hidden() const {
    const auto names = store_.names(kFolder);
    return static_cast<std::size_t>(std::count_if(
        names.begin(), names.end(), [](const std::string& name) { return name.front() == '.'; }));
  }

  Rng rng_;
  const std::size_t total_;
  const std::uint64_t roll_bytes_;
  PowerLossStore store_;
  std::vector<std::unique_ptr<Subtask>> job_;
  std::vector<std::unique_ptr<Subtask>> zombies_;
  std::optional<Checkpoint> completed_;
  std::vector<std::uint64_t> to_notify_;
  std::size_t written_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t run_ = 1;
  std::uint32_t attempt_ = 0;
};

TEST(FileSinkCrashTest, EveryRecordIsVisibleExactlyOnceUnderRandomCrashes) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CrashRun(seed).run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace weir::detail
