// SPDX-License-Identifier: Apache-2.0
// Changes of every state kind: laid over each other they are, at any moment, the whole state.
#include <gtest/gtest.h>
#include <weir/state.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/slice_state.h"
#include "api/operators/timer_queue.h"
#include "base/rng.h"

namespace weir {
namespace {

using Content = std::map<std::pair<std::uint32_t, std::string>, std::string>;

/// Lays entries over a content, as a restore of several runs does.
struct Overlay final : StateEntrySink {
  explicit Overlay(Content& into) : content(into) {}
  Status entry(std::uint32_t hash, ByteView key, ByteView value) override {
    content[{hash, std::string(key)}] = std::string(value);
    ++changes;
    return Status::ok();
  }
  Status erased(std::uint32_t hash, ByteView key) override {
    content.erase({hash, std::string(key)});
    ++changes;
    return Status::ok();
  }
  Content& content;
  std::size_t changes = 0;
};

Content whole(StateTable& table) {
  Content content;
  Overlay overlay(content);
  EXPECT_TRUE(table.freeze(CheckpointId{1})->write(overlay).is_ok());
  return content;
}

/// Changes `table` at random and lays what it tells of it over a copy.
template <class Change>
void check_changes(StateTable& table, Rng& rng, Change change) {
  ASSERT_TRUE(table.can_track_changes());
  Content content;
  for (int i = 0; i < 200; ++i) change();
  const bool is_stored = rng.uniform(2) == 0;
  if (is_stored) content = whole(table);
  table.tidy();
  table.track_changes(is_stored);
  // A frozen state may be written much later than it was frozen.
  std::vector<std::unique_ptr<FrozenState>> waiting;
  const auto write_all = [&] {
    for (const auto& frozen : waiting) {
      Overlay overlay(content);
      ASSERT_TRUE(frozen->write(overlay).is_ok());
    }
    waiting.clear();
  };
  for (int round = 0; round < 60; ++round) {
    for (std::uint64_t i = rng.uniform(30); i > 0; --i) {
      change();
      if (rng.uniform(8) == 0) table.tidy();
    }
    waiting.push_back(table.freeze_changes());
    if (rng.uniform(3) != 0) continue;
    const Content expected = whole(table);
    if (rng.uniform(2) == 0) {  // goes on before it is written
      for (int i = 0; i < 10; ++i) change();
      write_all();
      EXPECT_EQ(content, expected);
      continue;
    }
    write_all();
    EXPECT_EQ(content, expected);
  }
  waiting.push_back(table.freeze_changes());
  write_all();
  EXPECT_EQ(content, whole(table));
  Overlay nothing(content);
  ASSERT_TRUE(table.freeze_changes()->write(nothing).is_ok());
  EXPECT_EQ(nothing.changes, 0U) << "nothing changed since, and still something is told";
}

struct StateChangesTest : ::testing::TestWithParam<std::uint64_t> {
  template <class Declare>
  auto declare(Declare declare_state) {
    States<std::string> states(tables);
    auto state = declare_state(states);
    tables.register_all(registry);
    return state;
  }
  void set_random_key() {
    key = "key-" + std::to_string(rng.uniform(40));
    tables.set_key(key, key_hash(key));
  }
  StateTable& table() { return *registry.tables.at(0); }

  struct Registry final : StateRegistry {
    void add(StateTable& table) override { tables.push_back(&table); }
    bool is_restored() const override { return false; }
    std::vector<StateTable*> tables;
  };

  Rng rng{GetParam()};
  Registry registry;
  KeyedStates<std::string> tables;
  std::string key;
};

TEST_P(StateChangesTest, OfValues) {
  const auto state = declare([](auto& states) { return states.template value<Text>("v"); });
  check_changes(table(), rng, [&] {
    set_random_key();
    if (rng.uniform(3) == 0) return state.clear();
    const std::string text(rng.uniform(40), static_cast<char>('a' + rng.uniform(26)));
    state.set(Text::view(text));
  });
}

TEST_P(StateChangesTest, OfLists) {
  const auto state = declare([](auto& states) { return states.template list<std::int64_t>("l"); });
  check_changes(table(), rng, [&] {
    set_random_key();
    if (rng.uniform(5) == 0) return state.clear();
    state.add(static_cast<std::int64_t>(rng.uniform(100)));
  });
}

TEST_P(StateChangesTest, OfMapsByUserKey) {
  const auto state =
      declare([](auto& states) { return states.template map<std::int64_t, Text>("m"); });
  check_changes(table(), rng, [&] {
    set_random_key();
    const auto user_key = static_cast<std::int64_t>(rng.uniform(6));
    if (rng.uniform(12) == 0) return state.clear();
    if (rng.uniform(3) == 0) {
      (void)state.remove(user_key);
      return;
    }
    const std::string text(rng.uniform(40), static_cast<char>('a' + rng.uniform(26)));
    state.put(user_key, Text::view(text));
  });
}

TEST_P(StateChangesTest, OfMapsTellsOnlyOfWhatChangedInAMap) {
  const auto state =
      declare([](auto& states) { return states.template map<std::int64_t, std::int64_t>("m"); });
  set_random_key();
  for (std::int64_t i = 0; i < 100; ++i) state.put(i, i);
  table().track_changes(true);
  state.put(7, -7);
  state.remove(9);
  Content content;
  Overlay overlay(content);
  ASSERT_TRUE(table().freeze_changes()->write(overlay).is_ok());
  EXPECT_EQ(overlay.changes, 2U);
}

TEST_P(StateChangesTest, OfTimers) {
  TimerQueue<std::string> timers("timers");
  check_changes(timers, rng, [&] {
    set_random_key();
    const EventTime time{static_cast<std::int64_t>(rng.uniform(50))};
    switch (rng.uniform(4)) {
      case 0: (void)timers.remove(time, key, key_hash(key)); break;
      case 1: (void)timers.pop(EventTime{static_cast<std::int64_t>(rng.uniform(10))}); break;
      default: (void)timers.add(time, key, key_hash(key));
    }
  });
}

TEST_P(StateChangesTest, OfWindowsWhoseSlicesAreDropped) {
  using namespace std::chrono_literals;
  detail::SliceState<std::string, std::uint64_t> slices(sliding(10s, 2s));
  check_changes(slices, rng, [&] {
    set_random_key();
    const auto begin = static_cast<std::int64_t>(rng.uniform(6)) * 2000;
    if (rng.uniform(10) == 0) {
      const auto slice = slices.slices().find(begin);
      if (slice != slices.slices().end()) slices.drop(slice);
      return;
    }
    slices.table(begin).find_or_insert(key, key_hash(key)) += 1 + rng.uniform(9);
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, StateChangesTest, ::testing::Range<std::uint64_t>(0, 20));

}  // namespace
}  // namespace weir
