// SPDX-License-Identifier: Apache-2.0
// Schemas: the text of every kind of type.
#include "types/schema.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/types/sample_types.h"

namespace first {
struct Payment {
  std::int64_t id = 0;
  weir::Text who;
  std::optional<double> amount;
};
WEIR_RECORD(Payment, id, who, amount)
}  // namespace first

namespace quoted {
struct Odd {
  std::int32_t field = 0;
};
WEIR_RECORD(Odd, (field, "a \"b\\"))
}  // namespace quoted

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

TEST(SchemaTest, NamesThatAreNoWordsStandInQuotes) {
  EXPECT_EQ(schema_text<quoted::Odd>(), "Odd{\"a \\\"b\\\\\":int32}");
}

}  // namespace
}  // namespace weir
