// SPDX-License-Identifier: Apache-2.0
// Entries of each kind of state are explained and checked by their schemas alone.
#include "state/snapshot/entry_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/time_to_live.h"
#include "types/key_codec.h"
#include "types/serializer.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

StateDescriptor state(StateKind kind, std::string key, std::string value) {
  return {"s", kind, StateDistribution::kKeyed, std::move(key), std::move(value)};
}

template <class... Keys>
std::string keys(const Keys&... parts) {
  std::string bytes;
  (encode_key(bytes, parts), ...);
  return bytes;
}

TEST(EntrySchemaTest, TheKeyOfEachKindHasItsParts) {
  const auto parts = [](const StateDescriptor& descriptor, const std::string& key) {
    const auto schema = EntrySchema::of(descriptor);
    EXPECT_TRUE(schema.is_ok()) << schema.status().to_string();
    std::vector<std::string> result = *schema->key_json(key);
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] = std::string(schema->key_parts()[i].name) + "=" + result[i];
    }
    return result;
  };
  const std::string text = "a";
  EXPECT_THAT(parts(state(StateKind::kValue, "string", "bool"), keys(text)),
              ElementsAre("key=\"a\""));
  EXPECT_THAT(parts(state(StateKind::kMap, "string", "map<int32,bool>"), keys(text, 5)),
              ElementsAre("key=\"a\"", "user_key=5"));
  EXPECT_THAT(parts(state(StateKind::kTimers, "string", "event_time"), keys(text, EventTime(7))),
              ElementsAre("key=\"a\"", "time=7"));
  EXPECT_THAT(parts(state(StateKind::kWindow, "tuple<string,int64>", "bool"),
                    keys(text, std::int64_t{-60000})),
              ElementsAre("key=\"a\"", "slice=-60000"));
  EXPECT_THAT(parts(state(StateKind::kBuffer, "tuple<int64,uint32>", "bool"),
                    keys(std::int64_t{-1}, std::uint32_t{2})),
              ElementsAre("time=-1", "number=2"));
  EXPECT_THAT(parts(state(StateKind::kOperator, "", "bool"), ""), ElementsAre());
}

TEST(EntrySchemaTest, ValuesWithoutASchemaAreShownAsBytes) {
  const auto connector = EntrySchema::of(state(StateKind::kOperator, "", "weir.file-sink"));
  ASSERT_TRUE(connector.is_ok());
  EXPECT_EQ(*connector->value_json(std::string("\x00\xff", 2)), R"({"hex":"00ff"})");
  const auto last = EntrySchema::of(state(StateKind::kValue, "bool", "A{n:int8,m:custom<Money>}"));
  EXPECT_EQ(*last->value_json("\x05\x01\x02"), R"({"n":5,"m":{"hex":"0102"}})");
  const auto first = EntrySchema::of(state(StateKind::kValue, "bool", "A{m:custom<Money>,n:int8}"));
  EXPECT_EQ(*first->value_json("\x01\x02\x05"), R"({"hex":"010205"})");
}

TEST(EntrySchemaTest, ValuesWithATimeToLiveSayWhenTheyWereUpdated) {
  const auto with_ttl = [](StateKind kind, std::string value) {
    StateDescriptor descriptor = state(kind, "string", std::move(value));
    descriptor.ttl = Duration(1000);
    return *EntrySchema::of(descriptor);
  };
  ByteWriter value;
  put_update_time(value, ProcessingTime(1'800'000'000'000));
  Serializer<bool>::encode(value, true);
  for (const EntrySchema& schema :
       {with_ttl(StateKind::kValue, "bool"), with_ttl(StateKind::kMap, "map<int32,bool>")}) {
    EXPECT_TRUE(schema.has_times());
    EXPECT_EQ(*schema.value_json(value.view()), "true");
    EXPECT_EQ(*schema.updated_json(value.view()), "1800000000000");
    EXPECT_FALSE(schema.value_json("short").is_ok());
    EXPECT_FALSE(schema.updated_json("short").is_ok());
  }
  ByteWriter list;
  put_item_times(list, {ProcessingTime(5), ProcessingTime(7)});
  Serializer<std::vector<std::int32_t>>::encode(list, {1, 2});
  const EntrySchema schema = with_ttl(StateKind::kList, "vector<int32>");
  EXPECT_EQ(*schema.value_json(list.view()), "[1,2]");
  EXPECT_EQ(*schema.updated_json(list.view()), "[5,7]");
  EXPECT_FALSE(EntrySchema::of(state(StateKind::kValue, "string", "bool"))->has_times());
}

TEST(EntrySchemaTest, EntriesThatCannotBeAreNamed) {
  const auto schema = EntrySchema::of(state(StateKind::kMap, "string", "map<int32,bool>"));
  const std::string key = keys(std::string("abc"), 5);
  const std::uint32_t hash = key_hash(std::string("abc"));
  EXPECT_TRUE(schema->check(hash, key, "\x01").is_ok());
  EXPECT_THAT(schema->check(hash + 1, key, "\x01").message(), HasSubstr("not its key's"));
  EXPECT_THAT(schema->check(hash, key + "x", "\x01").message(), HasSubstr("after the key"));
  EXPECT_THAT(schema->check(hash, key.substr(0, 6), "\x01").message(), HasSubstr("key"));
  EXPECT_THAT(schema->check(hash, key, "\x02").message(), HasSubstr("expected 0 or 1"));
  EXPECT_THAT(schema->check(hash, key, "\x01x").message(), HasSubstr("after the value"));
  const auto timers = EntrySchema::of(state(StateKind::kTimers, "int64", "event_time"));
  const std::string timer = keys(std::int64_t{1}, EventTime(2));
  EXPECT_TRUE(timers->check(key_hash(std::int64_t{1}), timer, "").is_ok());
  EXPECT_FALSE(timers->check(key_hash(std::int64_t{1}), timer, "x").is_ok());
  const auto buffer = EntrySchema::of(state(StateKind::kBuffer, "tuple<int64,uint32>", "bool"));
  EXPECT_TRUE(buffer->check(99, keys(std::int64_t{1}, std::uint32_t{0}), "\x01").is_ok());
}

TEST(EntrySchemaTest, SchemasThatDoNotFitTheKindAreRefused) {
  EXPECT_FALSE(EntrySchema::of(state(StateKind::kMap, "string", "bool")).is_ok());
  EXPECT_FALSE(EntrySchema::of(state(StateKind::kWindow, "string", "bool")).is_ok());
  EXPECT_FALSE(EntrySchema::of(state(StateKind::kTimers, "string", "nonsense")).is_ok());
  EXPECT_FALSE(EntrySchema::of(state(StateKind::kValue, "nonsense", "bool")).is_ok());
}

}  // namespace
}  // namespace weir
