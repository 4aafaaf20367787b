// SPDX-License-Identifier: Apache-2.0
// Which parts of a state may change, by its kind.
#include "state/snapshot/state_migration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/time_to_live.h"
#include "types/schema.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Before {
  std::int32_t a = 1;
};
WEIR_RECORD(Before, a)
struct After {
  std::int64_t a = 0;
  std::string b = "new";
};
WEIR_RECORD(After, a, b)

template <class Key, class Value>
StateDescriptor state(StateKind kind) {
  return {"s",
          kind,
          StateDistribution::kKeyed,
          schema_text<Key>(),
          schema_text<Value>(),
          &type_info<Value>()};
}

template <class T>
std::string encoded(const T& value) {
  ByteWriter out;
  Serializer<T>::encode(out, value);
  return out.take();
}

TEST(StateMigrationTest, EqualSchemasPassTheStoredBytesOn) {
  const StateDescriptor same = state<std::string, Before>(StateKind::kValue);
  StateMigration migration(same, same);
  EXPECT_TRUE(migration.check().is_ok());
  const std::string bytes = "anything";
  EXPECT_EQ(migration.value(bytes).data(), bytes.data());
}

TEST(StateMigrationTest, ValuesChangeAndAnEntryOfAMapIsOnlyItsValue) {
  const std::string after = encoded(After{5, "new"});
  for (const StateKind kind : {StateKind::kValue, StateKind::kReducing, StateKind::kAggregating,
                               StateKind::kWindow, StateKind::kBuffer, StateKind::kOperator}) {
    StateMigration value(state<std::string, After>(kind), state<std::string, Before>(kind));
    ASSERT_TRUE(value.check().is_ok());
    EXPECT_EQ(value.value(encoded(Before{5})), after);
  }
  StateMigration list(state<std::string, std::vector<After>>(StateKind::kList),
                      state<std::string, std::vector<Before>>(StateKind::kList));
  EXPECT_EQ(list.value(encoded(std::vector<Before>{{5}, {6}})),
            encoded(std::vector<After>{{5, "new"}, {6, "new"}}));
  StateMigration map(state<std::string, std::map<std::int32_t, After>>(StateKind::kMap),
                     state<std::string, std::map<std::int32_t, Before>>(StateKind::kMap));
  ASSERT_TRUE(map.check().is_ok());
  EXPECT_EQ(map.value(encoded(Before{5})), after);
}

// What stands in front of a value: of a list of `items`, else 0.
std::string times(ProcessingTime time, std::size_t items = 0) {
  ByteWriter out;
  if (items == 0) {
    put_update_time(out, time);
  } else {
    put_item_times(out, std::vector(items, time));
  }
  return out.take();
}

template <class Value>
StateDescriptor with_ttl(StateKind kind, std::int64_t millis) {
  StateDescriptor descriptor = state<std::string, Value>(kind);
  descriptor.ttl = Duration(millis);
  return descriptor;
}

TEST(StateMigrationTest, TimesStayInFrontOfValuesThatChange) {
  const ProcessingTime at(1'800'000'000'000);
  StateMigration same(with_ttl<Before>(StateKind::kValue, 5),
                      with_ttl<Before>(StateKind::kValue, 5));
  const std::string stored = times(at) + encoded(Before{5});
  EXPECT_EQ(same.value(stored).data(), stored.data());
  EXPECT_THAT(same.changes(), IsEmpty());
  StateMigration value(with_ttl<After>(StateKind::kValue, 6),
                       with_ttl<Before>(StateKind::kValue, 5));
  EXPECT_EQ(value.value(stored), times(at) + encoded(After{5, "new"}));
  EXPECT_EQ(to_string(value.changes().back()), "time-to-live 6 ms, was 5 ms");
  using Now = std::vector<After>;
  using Then = std::vector<Before>;
  StateMigration list(with_ttl<Now>(StateKind::kList, 5), with_ttl<Then>(StateKind::kList, 5));
  EXPECT_EQ(list.value(times(at, 2) + encoded(Then{{5}, {6}})),
            times(at, 2) + encoded(Now{{5, "new"}, {6, "new"}}));
}

TEST(StateMigrationTest, ATimeToLiveMayComeAndGo) {
  const ProcessingTime at(1'800'000'000'000);
  const ProcessingTime unknown = ProcessingTime::none();
  using List = std::vector<Before>;
  using Map = std::map<std::int32_t, Before>;
  const auto coming = [](const auto& sample, StateKind kind) {
    using T = std::decay_t<decltype(sample)>;
    return StateMigration(with_ttl<T>(kind, 5), state<std::string, T>(kind));
  };
  const auto going = [](const auto& sample, StateKind kind) {
    using T = std::decay_t<decltype(sample)>;
    return StateMigration(state<std::string, T>(kind), with_ttl<T>(kind, 5));
  };
  const std::string value = encoded(Before{5});
  const std::string list = encoded(List{{5}, {6}});
  EXPECT_EQ(coming(Before(), StateKind::kReducing).value(value), times(unknown) + value);
  EXPECT_EQ(coming(Map(), StateKind::kMap).value(value), times(unknown) + value);
  EXPECT_EQ(coming(List(), StateKind::kList).value(list), times(unknown, 2) + list);
  EXPECT_EQ(going(Before(), StateKind::kReducing).value(times(at) + value), value);
  EXPECT_EQ(going(Map(), StateKind::kMap).value(times(at) + value), value);
  EXPECT_EQ(going(List(), StateKind::kList).value(times(at, 2) + list), list);
  EXPECT_EQ(to_string(coming(Before(), StateKind::kValue).changes().back()),
            "time-to-live 5 ms, was none");
  EXPECT_THROW(static_cast<void>(going(List(), StateKind::kList).value("short")), DecodeError);
}

TEST(StateMigrationTest, KeysNeverChange) {
  const StateMigration key(state<std::int64_t, Before>(StateKind::kValue),
                           state<std::int32_t, Before>(StateKind::kValue));
  EXPECT_EQ(key.refusal(), "key int64, was int32");
  EXPECT_EQ(key.check().code(), StatusCode::kFailedPrecondition);
  const StateMigration user_key(
      state<std::string, std::map<std::int64_t, Before>>(StateKind::kMap),
      state<std::string, std::map<std::int32_t, Before>>(StateKind::kMap));
  EXPECT_EQ(user_key.refusal(), "user key int64, was int32");
  const StateMigration slice(state<std::pair<std::string, std::int64_t>, After>(StateKind::kWindow),
                             state<std::pair<Text, std::int32_t>, Before>(StateKind::kWindow));
  EXPECT_EQ(slice.refusal(), "key 1: int64, was int32");
  const StateMigration time(state<std::string, ProcessingTime>(StateKind::kTimers),
                            state<std::string, EventTime>(StateKind::kTimers));
  EXPECT_EQ(time.refusal(), "time processing_time, was event_time");
}

TEST(StateMigrationTest, TheReasonNamesTheFieldAndBothTypes) {
  struct Other {
    std::string a;
    WEIR_RECORD_INSIDE(Other, a)
  };
  const StateMigration field(state<std::string, Other>(StateKind::kValue),
                             state<std::string, Before>(StateKind::kValue));
  EXPECT_EQ(field.refusal(), "value a: string, was int32");
  const StateMigration kind(state<std::string, Before>(StateKind::kValue),
                            state<std::string, Before>(StateKind::kReducing));
  EXPECT_EQ(kind.refusal(), "its kind is value, was reducing");
}

TEST(StateMigrationTest, ANewFieldNeedsTheProgram) {
  StateDescriptor after = state<std::string, After>(StateKind::kValue);
  after.value_type = nullptr;
  const StateMigration blind(after, state<std::string, Before>(StateKind::kValue));
  EXPECT_THAT(blind.refusal(), IsEmpty());
  EXPECT_EQ(blind.changes().size(), 2U);
  EXPECT_THAT(blind.check().message(), HasSubstr("b: it is new"));
}

TEST(StateMigrationTest, SchemasThatAreNoTypesMustBeEqual) {
  StateDescriptor own = state<std::string, Before>(StateKind::kOperator);
  own.value_schema = "connector.own/1";
  StateDescriptor other = own;
  EXPECT_TRUE(StateMigration(own, other).check().is_ok());
  other.value_schema = "connector.own/2";
  EXPECT_EQ(StateMigration(own, other).refusal(), "value 'connector.own/1', was 'connector.own/2'");
}

}  // namespace
}  // namespace weir
