// SPDX-License-Identifier: Apache-2.0
// TypeInfo: what it says of a type, and values reached through it.
#include "types/type_info.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tests/unit/types/sample_types.h"

namespace sample {
enum class Named : std::uint8_t { kOne = 1, kTwo = 250 };
struct Opaque {
  int inside = 0;
};
}  // namespace sample

template <>
struct weir::EnumNames<sample::Named> {
  static constexpr std::pair<sample::Named, std::string_view> values[] = {
      {sample::Named::kOne, "one"}, {sample::Named::kTwo, "two"}};
};
template <>
struct weir::Serializer<sample::Opaque> {
  static void encode(ByteWriter& out, const sample::Opaque& value) { out.put_zigzag(value.inside); }
  static sample::Opaque decode(ByteReader& in, TextMaker&) {
    return {static_cast<int>(in.get_zigzag())};
  }
};

namespace weir {
namespace {

template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  print(out, value);
  return out.str();
}

const FieldInfo& field(const TypeInfo& type, std::string_view name) {
  for (const FieldInfo& candidate : type.fields) {
    if (candidate.name == name) {
      return candidate;
    }
  }
  throw std::runtime_error("no such field");
}

TEST(TypeInfoTest, RecordsHaveTheirFieldsWithNamesAndPlaces) {
  const TypeInfo& type = type_info<sample::Everything>();
  EXPECT_EQ(type.kind, TypeKind::kRecord);
  EXPECT_EQ(type.name, "Everything");
  EXPECT_EQ(type.size, sizeof(sample::Everything));
  ASSERT_EQ(type.fields.size(), 30U);
  EXPECT_EQ(type.fields[14].name, "at-time");
  EXPECT_EQ(type.fields[14].type->kind, TypeKind::kEventTime);
  sample::Everything value;
  value.i32 = 77;
  const FieldInfo& i32 = field(type, "i32");
  EXPECT_EQ(load_signed(*i32.type, reinterpret_cast<const char*>(&value) + i32.offset), 77);
  EXPECT_EQ(&type_info<sample::Everything>(), &type);
  EXPECT_EQ(field(type, "nested").type, &type_info<sample::Point>());
}

TEST(TypeInfoTest, NumbersAreStoredOnlyWhereTheyFit) {
  std::int8_t small = 5;
  const TypeInfo& type = type_info<std::int8_t>();
  EXPECT_FALSE(store_signed(type, &small, 128));
  EXPECT_EQ(small, 5);
  EXPECT_TRUE(store_signed(type, &small, -128));
  EXPECT_EQ(load_signed(type, &small), -128);
  std::uint16_t word = 0;
  EXPECT_FALSE(store_unsigned(type_info<std::uint16_t>(), &word, 65536));
  EXPECT_TRUE(store_unsigned(type_info<std::uint16_t>(), &word, 65535));
  EXPECT_EQ(load_unsigned(type_info<std::uint16_t>(), &word), 65535U);
  float number = 0;
  EXPECT_FALSE(store_floating(type_info<float>(), &number, 1e300));
  EXPECT_TRUE(store_floating(type_info<float>(), &number, INFINITY));
  EXPECT_TRUE(store_floating(type_info<float>(), &number, 0.1));
  EXPECT_EQ(number, 0.1F);
}

TEST(TypeInfoTest, ContainersAreReachedThroughAccess) {
  std::vector<sample::Point> points;
  const TypeInfo& vector = type_info<std::vector<sample::Point>>();
  static_cast<sample::Point*>(vector.access.add(&points, 0))->x = 9;
  vector.access.add(&points, 1);
  EXPECT_EQ(vector.access.size(&points), 2U);
  EXPECT_EQ(static_cast<const sample::Point*>(vector.access.get(&points, 0))->x, 9);
  EXPECT_EQ(points[1], sample::Point{});
  vector.access.clear(&points);
  EXPECT_TRUE(points.empty());

  std::variant<int, std::string> choice;
  const TypeInfo& variant = type_info<std::variant<int, std::string>>();
  *static_cast<std::string*>(variant.access.add(&choice, 1)) = "s";
  EXPECT_EQ(variant.access.size(&choice), 1U);
  EXPECT_EQ(std::get<1>(choice), "s");

  std::map<std::string, int> map;
  const TypeInfo& info = type_info<std::map<std::string, int>>();
  const auto fill = [](void*, void* key) { *static_cast<std::string*>(key) = "key"; };
  *static_cast<int*>(info.access.insert(&map, fill, nullptr)) = 4;
  EXPECT_EQ(map.at("key"), 4);
  EXPECT_EQ(info.access.size(&map), 1U);
}

TEST(TypeInfoTest, EverythingPrints) {
  sample::Everything value;
  value.text = "t";
  value.maybe = Text("m");
  value.choice = sample::Point{1, 2};
  value.points = {{1, 0.5}};
  value.by_number[3] = "three";
  value.span = std::chrono::seconds(5);
  const std::string text = printed(value);
  for (const std::string_view part :
       {"Everything{flag: false, letter: 97", "text: \"t\"", "at-time: 1970-01-01T00:00:00.000Z",
        "span: 5 s", "maybe: \"m\"", "choice: Point{x: 1, y: 2}", "pair: (0, \"\")",
        "points: [Point{x: 1, y: 0.5}]", "triple: [0, 0, 0]", "by_number: {3: \"three\"}"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  EXPECT_EQ(printed(std::string("plain \"text\"")), "plain \"text\"");
  EXPECT_EQ(printed(sample::Named::kTwo), "two");
  EXPECT_EQ(printed(static_cast<sample::Named>(9)), "9");
  EXPECT_EQ(printed(sample::Opaque{}), "Opaque{...}");
  EXPECT_EQ(printed(-1.5), "-1.5");
  EXPECT_EQ(printed(UINT64_MAX), "18446744073709551615");
}

TEST(TypeInfoTest, EnumsHaveTheirOwnNames) {
  EXPECT_EQ(type_info<sample::Named>().name, "Named");
  EXPECT_EQ(type_info<sample::Named>().enum_names.size(), 2U);
  EXPECT_TRUE(type_info<sample::Color>().enum_names.empty());
  sample::Named named{};
  EXPECT_TRUE(store_enum_number(type_info<sample::Named>(), &named, 250));
  EXPECT_EQ(named, sample::Named::kTwo);
  EXPECT_FALSE(store_enum_number(type_info<sample::Named>(), &named, -1));
}

}  // namespace
}  // namespace weir
