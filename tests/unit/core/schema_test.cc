// SPDX-License-Identifier: Apache-2.0
// Schemas: their text, reading it back, and where two of them differ.
#include "core/schema.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/core/sample_types.h"

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

// A change here makes every stored schema differ from the job's.
TEST(SchemaTest, TheTextStaysWhatItIs) {
  EXPECT_EQ(schema_text<std::int32_t>(), "int32");
  EXPECT_EQ(schema_text<Text>(), "string");
  EXPECT_EQ(schema_text<first::Payment>(), "Payment{id:int64,who:string,amount:optional<double>}");
  EXPECT_EQ(schema_text<sample::Everything>(),
            "Everything{flag:bool,letter:uint8,i8:int8,i16:int16,i32:int32,i64:int64,u8:uint8,"
            "u16:uint16,u32:uint32,u64:uint64,f32:float,f64:double,string:string,text:string,"
            "\"at-time\":event_time,seen:processing_time,span:duration<int64,1/1>,"
            "point:time_point<duration<int64,1/1000000>>,color:enum<Color,int16>,"
            "level:enum<Level,uint8>,maybe:optional<string>,"
            "choice:variant<int32,string,Point{x:int32,y:double}>,pair:tuple<int32,string>,"
            "tuple:tuple<bool,string,double>,points:vector<Point{x:int32,y:double}>,"
            "triple:array<uint16,3>,by_name:map<string,vector<int32>>,by_number:map<int32,string>,"
            "by_pair:map<tuple<int32,bool>,double>,nested:Point{x:int32,y:double}}");
}

TEST(SchemaTest, TheTextIsReadBack) {
  const Schema schemas[] = {Schema::of<sample::Everything>(), Schema::of<first::Payment>(),
                            Schema::of<sample::Empty>(),      Schema::of<std::tuple<>>(),
                            Schema::of<std::monostate>(),     Schema::of<sample::Color>()};
  for (const Schema& schema : schemas) {
    const Result<Schema> read = Schema::parse(schema.to_string());
    ASSERT_TRUE(read.is_ok()) << read.status().to_string();
    EXPECT_EQ(*read, schema);
    EXPECT_EQ(read->to_string(), schema.to_string());
  }
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
  const Schema payment = Schema::of<first::Payment>();
  EXPECT_EQ(payment.difference_from(payment), "");
  EXPECT_EQ(Schema::of<second::Bill>().difference_from(payment), "amount.0: float, was double");
  EXPECT_EQ(Schema::of<second::Payment>().difference_from(payment), "field 'whose', was 'who'");
  EXPECT_EQ(Schema::of<std::string>().difference_from(Schema::of<Text>()), "");
  EXPECT_EQ(Schema::of<int>().difference_from(payment),
            "int32, was Payment{id:int64,who:string,amount:optional<double>}");
  using A = std::array<int, 2>;
  using B = std::array<int, 3>;
  EXPECT_EQ(Schema::of<A>().difference_from(Schema::of<B>()), "array<int32,2>, was array<int32,3>");
  EXPECT_EQ((Schema::of<std::tuple<int, int>>().difference_from(Schema::of<std::tuple<int>>())),
            "2 parts, was 1");
  EXPECT_NE(
      Schema::of<std::chrono::seconds>().difference_from(Schema::of<std::chrono::milliseconds>()),
      "");
}

TEST(SchemaTest, RenamingATypeIsNoDifference) {
  const Result<Schema> renamed =
      Schema::parse("Renamed{id:int64,who:string,amount:optional<double>}");
  ASSERT_TRUE(renamed.is_ok());
  EXPECT_EQ(Schema::of<first::Payment>().difference_from(*renamed), "");
  EXPECT_NE(Schema::of<first::Payment>(), *renamed);
}

}  // namespace
}  // namespace weir
