// SPDX-License-Identifier: Apache-2.0
// StatePreparation: when records wait for their state, and when not.
#include "api/operators/state_preparation.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testing/harness_context.h"

namespace weir::detail {
namespace {

/// Gives the work that a test puts in.
class ScriptedRegistry final : public StateRegistry {
 public:
  explicit ScriptedRegistry(std::vector<std::string>& log) : log_(log) {}
  void add(StateTable&) override {}
  bool is_restored() const override { return false; }
  std::optional<StateWork> make_room(std::size_t records) override {
    log_.push_back("make room for " + std::to_string(records));
    return next(rooms);
  }
  std::optional<StateWork> load_wanted() override {
    log_.push_back("load");
    return next(loads);
  }
  StateWork work(const std::string& name, bool holds_records) {
    return {.work = [this, name] { log_.push_back(name); },
            .done = [this, name] { log_.push_back(name + " done"); },
            .holds_records = holds_records};
  }
  std::deque<std::optional<StateWork>> rooms;
  std::deque<std::optional<StateWork>> loads;

 private:
  static std::optional<StateWork> next(std::deque<std::optional<StateWork>>& from) {
    if (from.empty()) return std::nullopt;
    auto work = std::move(from.front());
    from.pop_front();
    return work;
  }
  std::vector<std::string>& log_;
};

/// Runs background work when the test says so.
class ScriptedHost final : public OperatorContext {
 public:
  explicit ScriptedHost(std::vector<std::string>& log) : registry(log) {}
  const OperatorInfo& info() const override { return info_; }
  const Clock& clock() const override { return world_.clock; }
  MetricGroup& metrics() override { return metrics_; }
  StateRegistry& state() override { return registry; }
  FileStore& files() override { return world_.files; }
  void run_blocking(std::function<void()> work, std::function<void()> done) override {
    waiting.emplace_back(std::move(work), std::move(done));
  }
  void post(std::function<void()>) override {}
  void wake_at(ProcessingTime) override {}
  void send_hint(std::string) override {}
  void report_committed(CheckpointId) override {}
  void run_one() {
    auto [work, done] = std::move(waiting.front());
    waiting.pop_front();
    work();
    done();
  }
  ScriptedRegistry registry;
  std::deque<std::pair<std::function<void()>, std::function<void()>>> waiting;

 private:
  OperatorInfo info_;
  weir::testing::HarnessWorld world_;
  MetricGroup metrics_;
};

class StatePreparationTest : public ::testing::Test {
 protected:
  Progress prepare(std::size_t records) {
    return preparation_.prepare(
        host_, records, [this] { return is_evicting_; }, [this] { log_.push_back("want"); });
  }
  void prepare_now(std::size_t records) {
    preparation_.prepare_now(
        host_, records, [this] { return is_evicting_; }, [this] { log_.push_back("want"); });
  }
  using Log = std::vector<std::string>;
  Log take_log() { return std::exchange(log_, {}); }

  Log log_;
  ScriptedHost host_{log_};
  StatePreparation preparation_;
  bool is_evicting_ = true;
};

TEST_F(StatePreparationTest, NothingIsWantedOfTablesThatHoldEverything) {
  is_evicting_ = false;
  EXPECT_EQ(prepare(10), Progress::kDone);
  EXPECT_EQ(take_log(), Log{"make room for 10"});
  EXPECT_TRUE(host_.waiting.empty());
}

TEST_F(StatePreparationTest, RecordsWaitForRoomAndThenForWhatIsLoaded) {
  host_.registry.rooms = {host_.registry.work("write back", true)};
  host_.registry.loads = {host_.registry.work("read", true)};
  EXPECT_EQ(prepare(10), Progress::kMore);
  EXPECT_EQ(prepare(10), Progress::kMore) << "some other mail came";
  EXPECT_EQ(take_log(), Log{"make room for 10"});
  host_.run_one();
  EXPECT_EQ(prepare(10), Progress::kMore);
  EXPECT_EQ(take_log(), (Log{"write back", "write back done", "make room for 10", "want", "load"}));
  host_.run_one();
  take_log();
  EXPECT_EQ(prepare(10), Progress::kDone);
  EXPECT_EQ(take_log(), Log{}) << "nothing may leave between loading and use";
}

TEST_F(StatePreparationTest, WorkThatHoldsNoRecordsGoesOnBesideThem) {
  host_.registry.rooms = {host_.registry.work("write back", false)};
  EXPECT_EQ(prepare(10), Progress::kDone);
  EXPECT_EQ(take_log(), (Log{"make room for 10", "want", "load"}));
  EXPECT_EQ(host_.waiting.size(), 1U);
}

TEST_F(StatePreparationTest, PreparedRecordsAreTakenInParts) {
  EXPECT_FALSE(preparation_.take_prepared(1));
  EXPECT_EQ(prepare(10), Progress::kDone);
  EXPECT_TRUE(preparation_.take_prepared(6));
  EXPECT_TRUE(preparation_.take_prepared(4));
  EXPECT_FALSE(preparation_.take_prepared(1));
}

TEST_F(StatePreparationTest, WhoCannotWaitBlocksAndUndoesWhatWasPrepared) {
  EXPECT_EQ(prepare(10), Progress::kDone);
  take_log();
  host_.registry.rooms = {host_.registry.work("write back", true)};
  host_.registry.loads = {host_.registry.work("read", true)};
  prepare_now(3);
  EXPECT_EQ(take_log(), (Log{"make room for 3", "write back", "write back done", "make room for 3",
                             "want", "load", "read", "read done"}));
  EXPECT_FALSE(preparation_.take_prepared(10)) << "timers may have let its state go";
}

}  // namespace
}  // namespace weir::detail
