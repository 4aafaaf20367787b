// SPDX-License-Identifier: Apache-2.0
// Schemas: read from their text, and where two of them differ.
#include "state/snapshot/schema.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/types/sample_types.h"
#include "types/schema.h"

namespace first {
struct Payment {
  std::int64_t id = 0;
  weir::Text who;
  std::optional<double> amount;
};
WEIR_RECORD(Payment, id, who, amount)
}  // namespace first

namespace second {
struct Bill {
  std::int64_t id = 0;
  std::string who;
  std::optional<float> amount;
};
WEIR_RECORD(Bill, id, who, amount)
struct Payment {
  std::int64_t id = 0;
  std::string who;
  std::optional<double> amount;
};
WEIR_RECORD(Payment, id, (who, "whose"), amount)
}  // namespace second

namespace weir {
namespace {

template <class T>
Schema schema_of() {
  const Result<Schema> schema = Schema::parse(schema_text<T>());
  EXPECT_TRUE(schema.is_ok()) << schema.status().to_string();
  return *schema;
}

TEST(SchemaTest, TheTextOfEveryTypeIsRead) {
  EXPECT_EQ(schema_of<sample::Everything>().text(), schema_text<sample::Everything>());
  EXPECT_EQ(schema_of<sample::Empty>().text(), "Empty{}");
  EXPECT_EQ(schema_of<std::tuple<>>().text(), "tuple<>");
  EXPECT_EQ(schema_of<std::monostate>().text(), "unit");
  EXPECT_EQ(schema_of<sample::Color>().text(), "enum<Color,int16>");
  EXPECT_EQ(schema_of<sample::Everything>().difference_from(schema_of<sample::Everything>()), "");
}

TEST(SchemaTest, MalformedTextIsRefusedWithAPosition) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) {
    deep += "vector<";
  }
  for (const std::string& text :
       {std::string(""), std::string("nonsense"), std::string("int32 "), std::string("vector<"),
        std::string("vector<>"), std::string("vector<int32,int32>"), std::string("map<int32>"),
        std::string("A{x:}"), std::string("A{x:int32"), std::string("A{x int32}"),
        std::string("array<int32>"), std::string("duration<int64,1>"), std::string("\"int32\""),
        std::string("A{x:int32}}"), std::string("\"open"), std::string("A{x:int32,}"), deep}) {
    const Result<Schema> read = Schema::parse(text);
    ASSERT_FALSE(read.is_ok()) << text;
    EXPECT_NE(read.status().message().find("position="), std::string::npos);
  }
  // Every prefix, too.
  const std::string whole = schema_text<sample::Everything>();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Schema::parse(whole.substr(0, size)).is_ok()) << size;
  }
}

TEST(SchemaTest, TheFirstDifferenceIsNamed) {
  const Schema payment = schema_of<first::Payment>();
  EXPECT_EQ(payment.difference_from(payment), "");
  EXPECT_EQ(schema_of<second::Bill>().difference_from(payment), "amount.0: float, was double");
  EXPECT_EQ(schema_of<second::Payment>().difference_from(payment), "field 'whose', was 'who'");
  EXPECT_EQ(schema_of<std::string>().difference_from(schema_of<Text>()), "");
  EXPECT_EQ(schema_of<int>().difference_from(payment),
            "int32, was Payment{id:int64,who:string,amount:optional<double>}");
  using A = std::array<int, 2>;
  using B = std::array<int, 3>;
  EXPECT_EQ(schema_of<A>().difference_from(schema_of<B>()), "array<int32,2>, was array<int32,3>");
  EXPECT_EQ((schema_of<std::tuple<int, int>>().difference_from(schema_of<std::tuple<int>>())),
            "2 parts, was 1");
  EXPECT_NE(
      schema_of<std::chrono::seconds>().difference_from(schema_of<std::chrono::milliseconds>()),
      "");
}

TEST(SchemaTest, RenamingATypeIsNoDifference) {
  const Result<Schema> renamed =
      Schema::parse("Renamed{id:int64,who:string,amount:optional<double>}");
  ASSERT_TRUE(renamed.is_ok());
  EXPECT_EQ(schema_of<first::Payment>().difference_from(*renamed), "");
  EXPECT_NE(schema_of<first::Payment>().text(), renamed->text());
}

}  // namespace
}  // namespace weir
