// SPDX-License-Identifier: Apache-2.0
// The coding of numbers and bytes, and every way in which decoding must fail.
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace weir {
namespace {

constexpr std::uint64_t kNumbers[] = {
    0, 1, 127, 128, 16383, 16384, 0xFFFFFFFF, 1ULL << 32, (1ULL << 63) - 1, 1ULL << 63, UINT64_MAX};

TEST(BytesTest, FixedNumbersLieInLittleEndianOrder) {
  ByteWriter writer;
  writer.put_u8(0xAB);
  writer.put_fixed16(0x0102);
  writer.put_fixed32(0x01020304);
  writer.put_fixed64(0x0102030405060708);
  EXPECT_EQ(writer.view(),
            ByteView("\xAB\x02\x01\x04\x03\x02\x01\x08\x07\x06\x05\x04\x03\x02\x01", 15));
  ByteReader reader(writer.view());
  EXPECT_EQ(reader.get_u8(), 0xAB);
  EXPECT_EQ(reader.get_fixed16(), 0x0102);
  EXPECT_EQ(reader.get_fixed32(), 0x01020304U);
  EXPECT_EQ(reader.get_fixed64(), 0x0102030405060708U);
  EXPECT_TRUE(reader.is_at_end());
}

TEST(BytesTest, VarintsComeBackAndHaveTheLengthForetold) {
  for (const std::uint64_t number : kNumbers) {
    ByteWriter writer;
    writer.put_varint64(number);
    EXPECT_EQ(writer.size(), varint_length(number)) << number;
    ByteReader reader(writer.view());
    EXPECT_EQ(reader.get_varint64(), number);
    EXPECT_TRUE(reader.is_at_end());
  }
  ByteWriter writer;
  writer.put_varint64(300);
  EXPECT_EQ(writer.view(), "\xAC\x02");
}

TEST(BytesTest, ZigzagKeepsSmallNegativeNumbersShort) {
  for (const std::int64_t number :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    ByteWriter writer;
    writer.put_zigzag(number);
    EXPECT_EQ(ByteReader(writer.view()).get_zigzag(), number);
  }
  ByteWriter writer;
  writer.put_zigzag(-64);
  EXPECT_EQ(writer.size(), 1U);
}

TEST(BytesTest, FloatingPointKeepsItsBits) {
  ByteWriter writer;
  writer.put_double(-0.0);
  writer.put_double(std::bit_cast<double>(0x7FF8DEADBEEF0001U));
  writer.put_float(1.5F);
  ByteReader reader(writer.view());
  EXPECT_EQ(std::bit_cast<std::uint64_t>(reader.get_double()), 1ULL << 63);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(reader.get_double()), 0x7FF8DEADBEEF0001U);
  EXPECT_EQ(reader.get_float(), 1.5F);
}

TEST(BytesTest, StringsCarryTheirLengthAndBytesDoNot) {
  ByteWriter writer;
  writer.put_string(ByteView("a\0b", 3));
  writer.put_string("");
  writer.put_bytes("tail");
  ByteReader reader(writer.view());
  EXPECT_EQ(reader.get_string(), ByteView("a\0b", 3));
  EXPECT_EQ(reader.get_string(), "");
  EXPECT_EQ(reader.remaining(), 4U);
  EXPECT_EQ(reader.rest(), "tail");
  EXPECT_EQ(reader.get_bytes(4), "tail");
}

TEST(ByteWriterTest, TakeGivesTheBytesAwayAndStartsAfresh) {
  ByteWriter writer(std::string("head"));
  writer.put_u8('x');
  EXPECT_EQ(writer.take(), "headx");
  EXPECT_TRUE(writer.is_empty());
  writer.put_u8('y');
  EXPECT_EQ(writer.view(), "y");
}

TEST(ByteWriterTest, LengthCanBeFilledInAfterwards) {
  ByteWriter writer;
  writer.put_fixed32(0);
  writer.put_bytes("abc");
  writer.set_fixed32(0, 3);
  EXPECT_EQ(ByteReader(writer.view()).get_fixed32(), 3U);
  EXPECT_DEATH(writer.set_fixed32(4, 0), "offset");
}

TEST(ByteReaderTest, EveryReadIsCheckedAgainstTheEnd) {
  const std::string bytes(20, '\x80');
  EXPECT_THROW((void)ByteReader("").get_u8(), DecodeError);
  EXPECT_THROW((void)ByteReader(ByteView(bytes).substr(0, 1)).get_fixed16(), DecodeError);
  EXPECT_THROW((void)ByteReader(ByteView(bytes).substr(0, 3)).get_fixed32(), DecodeError);
  EXPECT_THROW((void)ByteReader(ByteView(bytes).substr(0, 7)).get_fixed64(), DecodeError);
  EXPECT_THROW((void)ByteReader(ByteView(bytes).substr(0, 7)).get_double(), DecodeError);
  EXPECT_THROW((void)ByteReader("").get_varint64(), DecodeError);
  EXPECT_THROW((void)ByteReader(ByteView(bytes).substr(0, 5)).get_varint64(), DecodeError);
  EXPECT_THROW((void)ByteReader("abc").get_bytes(4), DecodeError);
  EXPECT_THROW((void)ByteReader("abc").get_bytes(UINT64_MAX), DecodeError);
  EXPECT_THROW((void)ByteReader("\x05"
                                "abc")
                   .get_string(),
               DecodeError);
  EXPECT_THROW(ByteReader("abc").need(4), DecodeError);
  EXPECT_NO_THROW(ByteReader("abc").need(3));
}

TEST(ByteReaderTest, RefusesVarintsThatAreTooLongOrPadded) {
  const std::string too_many_bits = std::string(9, '\xFF') + '\x02';
  const std::string too_long = std::string(10, '\x80') + '\x01';
  const std::string padded("\x81\x00", 2);
  for (const std::string& bytes : {too_many_bits, too_long, padded}) {
    EXPECT_THROW((void)ByteReader(bytes).get_varint64(), DecodeError);
  }
  ByteWriter writer;
  writer.put_varint64(1ULL << 32);
  EXPECT_THROW((void)ByteReader(writer.view()).get_varint32(), DecodeError);
  EXPECT_EQ(ByteReader("\x07").get_varint32(), 7U);
}

TEST(ByteReaderTest, FailureIsDataLossAndNamesTheOffset) {
  ByteReader reader("abcdef");
  (void)reader.get_bytes(4);
  try {
    (void)reader.get_fixed32();
    FAIL() << "nothing was thrown";
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.offset(), 4U);
    EXPECT_EQ(error.status().code(), StatusCode::kDataLoss);
    EXPECT_NE(error.status().message().find("offset=4"), std::string::npos);
  }
}

}  // namespace
}  // namespace weir
