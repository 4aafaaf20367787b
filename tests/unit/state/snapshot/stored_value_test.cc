// SPDX-License-Identifier: Apache-2.0
// Encoded values are walked by their schema exactly as far as they go.
#include "state/snapshot/stored_value.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/types/sample_types.h"
#include "types/schema.h"

namespace weir {
namespace {

template <class T>
std::string encoded(const T& value) {
  ByteWriter out;
  Serializer<T>::encode(out, value);
  return out.take();
}

TEST(StoredValueTest, EveryKindOfValueIsReadPastToItsEnd) {
  const Schema schema = *Schema::parse(schema_text<sample::Everything>());
  sample::Maker maker(11);
  for (int i = 0; i < 300; ++i) {
    const std::string bytes = encoded(maker.everything());
    ByteReader in(bytes);
    skip_value(schema, in, {});
    ASSERT_TRUE(in.is_at_end());
    ByteReader cut(ByteView(bytes).substr(0, bytes.size() - 1));
    ASSERT_THROW(skip_value(schema, cut, {}), DecodeError);
  }
}

TEST(StoredValueTest, WhatNoEncoderWritesIsRefused) {
  const auto refuses = [](const std::string& schema, const std::string& bytes) {
    ByteReader in(bytes);
    EXPECT_THROW(skip_value(*Schema::parse(schema), in, {}), DecodeError) << schema;
  };
  const std::string many = "\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
  refuses("bool", "\x02");
  refuses("int16", std::string("\x80\x80\x04"));
  refuses("uint16", std::string("\x80\x80\x04"));
  refuses("int32", "\xff\xff\xff\xff\x7f");
  refuses("optional<bool>", "\x02\x01");
  refuses("variant<bool,int8>", "\x02\x01");
  refuses("unit", "\x01");
  refuses("Empty{}", "\x01");
  refuses("array<bool,0>", "\x01");
  refuses("vector<bool>", many);
  refuses("map<bool,vector<vector<bool>>>", many);
  refuses("string", many);
  refuses("array<Empty{},4611686018427387904>", std::string(100, '\0'));
}

TEST(StoredValueTest, OnlyTheProgramReadsPastTypesWithTheirOwnSerializer) {
  const Schema schema = *Schema::parse("tuple<custom<Money>,bool>");
  const std::string bytes("\x03\x61\x62\x63\x01");
  ByteReader unknown(bytes);
  EXPECT_THROW(skip_value(schema, unknown, {}), DecodeError);
  ByteReader known(bytes);
  skip_value(schema, known, {{"Money", [](ByteReader& in) { (void)in.get_string(); }}});
  EXPECT_TRUE(known.is_at_end());
}

}  // namespace
}  // namespace weir
