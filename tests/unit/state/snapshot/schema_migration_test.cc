// SPDX-License-Identifier: Apache-2.0
// Values of one version of a program become values of the next.
#include "state/snapshot/schema_migration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "tests/unit/types/sample_types.h"
#include "types/schema.h"

namespace before {
struct Address {
  std::string city;
  std::int8_t zone = 0;
  weir::Text street;
};
WEIR_RECORD(Address, city, zone, street)

enum class Level : std::int8_t { kLow = -1, kHigh = 1 };

struct Customer {
  std::int64_t id = 0;
  std::string name;
  float balance = 0;
  Level level = Level::kLow;
  Address home;
  std::vector<Address> others;
  std::map<std::int16_t, Address> by_year;
  std::optional<Address> work;
  std::variant<bool, Address> choice;
  std::pair<std::uint8_t, Address> pair;
  std::array<Address, 2> both;
  bool old_flag = true;
};
WEIR_RECORD(Customer, id, name, balance, level, home, others, by_year, work, choice, pair, both,
            old_flag)
}  // namespace before

namespace after {
struct Address {
  weir::Text street;
  std::int64_t zone = 7;
  std::string country = "Bohemia";
  std::string city;
  friend bool operator==(const Address&, const Address&) = default;
};
WEIR_RECORD(Address, street, zone, country, city)

enum class Grade : std::int32_t { kLow = -1, kHigh = 1 };

struct Client {
  Address home;
  std::int64_t id = 0;
  double balance = 0;
  std::optional<std::int32_t> score = 5;
  Grade level = Grade::kHigh;
  std::vector<Address> others;
  std::map<std::int32_t, Address> by_year;
  std::optional<Address> work;
  std::variant<bool, Address> choice;
  std::pair<std::uint32_t, Address> pair;
  std::array<Address, 2> both;
  Address second_home{weir::Text(), 3, "Moravia", "Brno"};
};
WEIR_RECORD(Client, home, id, balance, score, level, others, by_year, work, choice, pair, both,
            second_home)
}  // namespace after

namespace coded {
struct Money {
  std::int64_t cents = 0;
  friend bool operator==(const Money&, const Money&) = default;
};
struct Before {
  Money paid;
  std::int32_t number = 0;
};
struct After {
  std::int32_t number = 0;
  std::string note = "none";
  Money paid;
};
struct Without {
  std::int32_t number = 0;
};
}  // namespace coded

template <>
struct weir::Serializer<coded::Money> {
  static void encode(ByteWriter& out, const coded::Money& value) {
    out.put_string("cents");
    out.put_zigzag(value.cents);
  }
  static coded::Money decode(ByteReader& in, TextMaker&) {
    if (in.get_string() != "cents") {
      throw DecodeError("not money", in.offset());
    }
    return {in.get_zigzag()};
  }
};

namespace coded {
WEIR_RECORD(Before, paid, number)
WEIR_RECORD(After, number, note, paid)
WEIR_RECORD(Without, number)
}  // namespace coded

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = SchemaChange::Kind;

template <class T>
Schema schema_of() {
  return *Schema::parse(schema_text<T>());
}

template <class Before, class After>
SchemaMigration migration() {
  return SchemaMigration(schema_of<Before>(), schema_of<After>(), &type_info<After>());
}

template <class T>
std::string encoded(const T& value) {
  ByteWriter out;
  Serializer<T>::encode(out, value);
  return out.take();
}

// Decodes texts into an arena that lives as long as the test.
class SchemaMigrationTest : public testing::Test {
 protected:
  template <class After, class Before>
  After migrated(const Before& value) {
    const SchemaMigration steps = migration<Before, After>();
    EXPECT_THAT(steps.refusals(), IsEmpty());
    EXPECT_THAT(steps.fields_without_default(), IsEmpty());
    ByteWriter out;
    steps.migrate(encoded(value), out);
    ByteReader in(out.view());
    After result = Serializer<After>::decode(in, text_);
    EXPECT_TRUE(in.is_at_end());
    return result;
  }

  ArenaList arenas_;
  TextMaker text_{arenas_};
};

before::Address address(int zone) {
  return {"Prague", static_cast<std::int8_t>(zone), Text::view("a street with a long name")};
}
after::Address moved(int zone) {
  return {Text::view("a street with a long name"), zone, "Bohemia", "Prague"};
}

TEST_F(SchemaMigrationTest, FieldsAreFoundByNameAtAnyDepthAndNewOnesGetTheirInitialiser) {
  before::Customer old;
  old.id = -5;
  old.name = "dropped";
  old.balance = 0.1F;
  old.level = before::Level::kLow;
  old.home = address(-128);
  old.others = {address(1), address(2)};
  old.by_year = {{-3, address(3)}, {1999, address(4)}};
  old.work = address(5);
  old.choice = address(6);
  old.pair = {200, address(7)};
  old.both = {address(8), address(127)};
  const auto now = migrated<after::Client>(old);
  EXPECT_EQ(now.id, -5);
  EXPECT_EQ(now.balance, static_cast<double>(0.1F));
  EXPECT_EQ(now.score, 5);
  EXPECT_EQ(now.level, after::Grade::kLow);
  EXPECT_EQ(now.home, moved(-128));
  EXPECT_THAT(now.others, ElementsAre(moved(1), moved(2)));
  EXPECT_THAT(now.by_year, ElementsAre(std::pair(-3, moved(3)), std::pair(1999, moved(4))));
  EXPECT_EQ(now.work, moved(5));
  EXPECT_EQ(std::get<1>(now.choice), moved(6));
  EXPECT_EQ(now.pair, std::pair(200U, moved(7)));
  EXPECT_THAT(now.both, ElementsAre(moved(8), moved(127)));
  EXPECT_EQ(now.second_home.city, "Brno");
  EXPECT_EQ(now.second_home.country, "Moravia");

  old.work.reset();
  old.choice = true;
  old.others.clear();
  old.by_year.clear();
  const auto smaller = migrated<after::Client>(old);
  EXPECT_FALSE(smaller.work.has_value());
  EXPECT_TRUE(std::get<0>(smaller.choice));
  EXPECT_TRUE(smaller.others.empty());
  EXPECT_TRUE(smaller.by_year.empty());
}

struct Two {
  std::int32_t a = 0;
  std::int32_t b = 0;
};
WEIR_RECORD(Two, a, b)
struct OtherTwo {
  std::int32_t b = 0;
  std::int32_t a = 0;
};
WEIR_RECORD(OtherTwo, b, a)
struct Wide {
  std::int64_t a = 0;
  std::int32_t c = 9;
};
WEIR_RECORD(Wide, a, c)

TEST_F(SchemaMigrationTest, ChangesAreListed) {
  const SchemaMigration wide = migration<Two, Wide>();
  EXPECT_THAT(wide.changes(), ElementsAre(SchemaChange{Kind::kWidened, "a", "int64", "int32"},
                                          SchemaChange{Kind::kAdded, "c", "int32", ""},
                                          SchemaChange{Kind::kRemoved, "b", "int32", ""}));
  EXPECT_EQ(to_string(wide.changes()[0]), "widened 'a' from int32 to int64");
  EXPECT_EQ(to_string(wide.changes()[1]), "added 'c' (int32)");
  EXPECT_EQ(to_string(wide.changes()[2]), "removed 'b' (int32)");
  const auto reordered = migration<std::vector<Two>, std::vector<OtherTwo>>();
  EXPECT_THAT(reordered.changes(), ElementsAre(SchemaChange{Kind::kReordered, "0", "", ""}));
  EXPECT_TRUE(reordered.changes_bytes());
  const auto two = migrated<OtherTwo>(Two{1, 2});
  EXPECT_EQ(two.a, 1);
  EXPECT_EQ(two.b, 2);
}

TEST_F(SchemaMigrationTest, WhatStaysAsItIsNeedsNoMigration) {
  using sample::Everything;
  const auto same = migration<Everything, Everything>();
  EXPECT_FALSE(same.changes_bytes());
  EXPECT_THAT(same.changes(), IsEmpty());
  // Varints do not know how wide the number is.
  const auto wider = migration<std::vector<std::int16_t>, std::vector<std::int64_t>>();
  EXPECT_FALSE(wider.changes_bytes());
  EXPECT_EQ(wider.changes().size(), 1U);
  EXPECT_FALSE((migration<std::string, Text>().changes_bytes()));
}

TEST_F(SchemaMigrationTest, AddingAFieldToEverythingKeepsTheRest) {
  struct Outer {
    sample::Everything everything;
    WEIR_RECORD_INSIDE(Outer, everything)
  };
  struct Wrapped {
    std::int32_t added = 4;
    sample::Everything everything;
    WEIR_RECORD_INSIDE(Wrapped, added, everything)
  };
  sample::Maker maker(7);
  for (int i = 0; i < 100; ++i) {
    const Outer outer{maker.everything()};
    const auto wrapped = migrated<Wrapped>(outer);
    ASSERT_EQ(wrapped.added, 4);
    ASSERT_EQ(encoded(wrapped.everything), encoded(outer.everything));
  }
}

TEST_F(SchemaMigrationTest, EveryWideningKeepsExtremeNumbers) {
  const auto check = [this]<class From, class To>(From, To) {
    for (const From number : {std::numeric_limits<From>::lowest(), std::numeric_limits<From>::max(),
                              From{0}, From{1}, static_cast<From>(100)}) {
      EXPECT_EQ(migrated<To>(number), static_cast<To>(number));
    }
  };
  check(std::int8_t{}, std::int16_t{});
  check(std::int8_t{}, std::int64_t{});
  check(std::int16_t{}, std::int32_t{});
  check(std::int32_t{}, std::int64_t{});
  check(std::uint8_t{}, std::uint16_t{});
  check(std::uint8_t{}, std::uint64_t{});
  check(std::uint32_t{}, std::uint64_t{});
  check(float{}, double{});
}

TEST_F(SchemaMigrationTest, EverythingElseIsRefusedWithTheFieldAndBothTypes) {
  const auto refusals = []<class From, class To>(const From*, const To*) {
    return migration<From, To>().refusals();
  };
  const auto of = [&]<class From, class To>(From from, To to) { return refusals(&from, &to); };
  EXPECT_THAT(of(std::int64_t{}, std::int32_t{}), ElementsAre("int32, was int64"));
  EXPECT_THAT(of(std::int32_t{}, std::uint32_t{}), ElementsAre("uint32, was int32"));
  EXPECT_THAT(of(std::uint32_t{}, std::int64_t{}), ElementsAre("int64, was uint32"));
  EXPECT_THAT(of(double{}, float{}), ElementsAre("float, was double"));
  EXPECT_THAT(of(std::int32_t{}, double{}), ElementsAre("double, was int32"));
  EXPECT_THAT(of(bool{}, std::int8_t{}), ElementsAre("int8, was bool"));
  EXPECT_THAT(of(std::int64_t{}, EventTime{}), ElementsAre("event_time, was int64"));
  EXPECT_THAT(of(std::int32_t{}, std::string{}), ElementsAre("string, was int32"));
  EXPECT_THAT(of(std::int32_t{}, std::optional<std::int32_t>{}),
              ElementsAre("optional<int32>, was int32"));
  EXPECT_THAT(of(std::array<int, 2>{}, std::array<int, 3>{}),
              ElementsAre("array<int32,3>, was array<int32,2>"));
  EXPECT_THAT(of(std::chrono::seconds{}, std::chrono::milliseconds{}).size(), 1U);
  EXPECT_THAT(of(std::variant<int>{}, std::variant<int, bool>{}).size(), 1U);
  EXPECT_THAT(of(std::tuple<int>{}, std::tuple<int, int>{}).size(), 1U);
  EXPECT_THAT(of(std::vector<std::pair<Two, std::string>>{}, std::vector<std::pair<Two, bool>>{}),
              ElementsAre("0.1: bool, was string"));

  struct Narrow {
    std::int16_t a = 0;
    std::optional<std::string> b;
    WEIR_RECORD_INSIDE(Narrow, a, b)
  };
  EXPECT_THAT(of(Two{}, Narrow{}),
              ElementsAre("a: int16, was int32", "b: optional<string>, was int32"));
}

TEST_F(SchemaMigrationTest, KeysOfMapsMayGrowButNotLoseAField) {
  struct One {
    std::int32_t b = 0;
    WEIR_RECORD_INSIDE(One, b)
  };
  const auto lost = SchemaMigration(*Schema::parse("map<Two{a:int32,b:int32},bool>"),
                                    *Schema::parse("map<One{b:int32},bool>"), nullptr);
  ASSERT_EQ(lost.refusals().size(), 1U);
  EXPECT_THAT(lost.refusals()[0], testing::StartsWith("0.a: removed from the key of a map"));
  const auto grown = SchemaMigration(*Schema::parse("map<int8,One{b:int32,c:bool}>"),
                                     *Schema::parse("map<int16,One{b:int32}>"), nullptr);
  EXPECT_THAT(grown.refusals(), IsEmpty());
}

TEST_F(SchemaMigrationTest, TheDefaultOfANewFieldComesFromTheProgramOnly) {
  const SchemaMigration blind(schema_of<Two>(), schema_of<Wide>(), nullptr);
  EXPECT_THAT(blind.refusals(), IsEmpty());
  EXPECT_THAT(blind.fields_without_default(), ElementsAre("c"));
}

TEST_F(SchemaMigrationTest, RecordsMayBecomeEmptyAndEmptyOnesMayGrow) {
  EXPECT_EQ(encoded(migrated<sample::Empty>(Two{3, 4})), std::string(1, '\0'));
  const auto two = migrated<Two>(sample::Empty{});
  EXPECT_EQ(two.a, 0);
  EXPECT_EQ(migrated<std::vector<sample::Empty>>(std::vector<Two>{{1, 2}, {3, 4}}).size(), 2U);
}

TEST_F(SchemaMigrationTest, TypesWithTheirOwnSerializerAreReadPastByTheProgramThatHasThem) {
  const auto now = migrated<coded::After>(coded::Before{{250}, 3});
  EXPECT_EQ(now.paid.cents, 250);
  EXPECT_EQ(now.number, 3);
  EXPECT_EQ(now.note, "none");
  EXPECT_THAT((migration<coded::Before, coded::Without>().refusals()),
              ElementsAre("paid: removed, and only the program that stored it can read past it, "
                          "was custom<Money>"));
}

TEST_F(SchemaMigrationTest, DamagedValuesAreRefusedAndNeverRunPastTheirEnd) {
  const SchemaMigration steps = migration<before::Customer, after::Client>();
  before::Customer old;
  old.others = {address(1), address(2)};
  old.work = address(3);
  const std::string whole = encoded(old);
  ByteWriter out;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(steps.migrate(whole.substr(0, size), out), DecodeError) << size;
  }
  EXPECT_THROW(steps.migrate(whole + "x", out), DecodeError);
  Rng rng(3);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = whole;
    damaged[rng.uniform(damaged.size())] = static_cast<char>(rng.next());
    try {
      steps.migrate(damaged, out);
    } catch (const DecodeError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace weir
