// SPDX-License-Identifier: Apache-2.0
// The binary codec: round trips, the bytes themselves, and bytes that must be refused.
#include "types/serializer.h"

#include <gtest/gtest.h>

#include <bitset>
#include <string>
#include <unordered_map>

#include "tests/unit/types/sample_types.h"

namespace sample {
struct Money {
  std::int64_t cents = 0;
  weir::Text currency;
};
// Does not name a description: it has a serializer of its own.
struct Order {
  std::int32_t id = 0;
  Money price;
};
WEIR_RECORD(Order, id, price)
}  // namespace sample

template <>
struct weir::Serializer<sample::Money> {
  static void encode(ByteWriter& out, const sample::Money& value) {
    out.put_zigzag(value.cents);
    out.put_string(value.currency);
  }
  static sample::Money decode(ByteReader& in, TextMaker& text) {
    const std::int64_t cents = in.get_zigzag();
    return {cents, text.text(in.get_string())};
  }
  template <class F>
  static void for_each_text(sample::Money& value, F&& f) {
    f(value.currency);
  }
};

namespace weir {
namespace {

struct Undescribed {};

static_assert(Describable<sample::Everything> && Describable<sample::Order>);
static_assert(!Describable<Undescribed> && !Describable<std::vector<Undescribed>>);
static_assert(!Describable<std::unordered_map<int, int>> && !Describable<int*> &&
              !Describable<int[3]> && !Describable<std::vector<bool>> &&
              !Describable<long double> && !Describable<std::string_view> &&
              !Describable<const char*>);
static_assert(kHoldsText<sample::Everything> && kHoldsText<sample::Order> && kHoldsText<Text>);
static_assert(!kHoldsText<sample::Point> && !kHoldsText<std::string>);
static_assert(kTriviallyStored<sample::Point> && kTriviallyStored<EventTime>);
static_assert(!kTriviallyStored<Text> && !kTriviallyStored<std::string>);

template <class T>
std::string encoded(const T& value) {
  ByteWriter out;
  Serializer<T>::encode(out, value);
  return out.take();
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (const char c : bytes) {
    result += kDigits[static_cast<unsigned char>(c) >> 4];
    result += kDigits[c & 15];
  }
  return result;
}

TEST(SerializerTest, RandomValuesComeBack) {
  sample::Maker maker(11);
  for (int i = 0; i < 2000; ++i) {
    const sample::Everything value = maker.everything();
    const std::string bytes = encoded(value);
    ByteReader in(bytes);
    const auto copy = Serializer<sample::Everything>::decode(in, maker.text_maker());
    ASSERT_EQ(copy, value) << "value " << i;
    ASSERT_TRUE(in.is_at_end());
    ASSERT_EQ(encoded(copy), bytes);
  }
}

// A change here is a change of the stored format: old snapshots can no longer be read.
TEST(SerializerTest, TheBytesStayWhatTheyAre) {
  EXPECT_EQ(hex(encoded(true)), "01");
  EXPECT_EQ(hex(encoded('a')), "61");
  EXPECT_EQ(hex(encoded(std::int8_t{-1})), "ff");
  EXPECT_EQ(hex(encoded(std::int16_t{-1})), "01");
  EXPECT_EQ(hex(encoded(std::int32_t{300})), "d804");
  EXPECT_EQ(hex(encoded(std::uint64_t{300})), "ac02");
  EXPECT_EQ(hex(encoded(1.5)), "000000000000f83f");
  EXPECT_EQ(hex(encoded(1.5F)), "0000c03f");
  EXPECT_EQ(hex(encoded(std::string("ab"))), "026162");
  EXPECT_EQ(hex(encoded(Text("ab"))), "026162");
  EXPECT_EQ(hex(encoded(EventTime(-2))), "03");
  EXPECT_EQ(hex(encoded(std::chrono::seconds(3))), "06");
  EXPECT_EQ(hex(encoded(sample::Color::kRed)), "05");
  EXPECT_EQ(hex(encoded(std::optional<int>())), "00");
  EXPECT_EQ(hex(encoded(std::optional<int>(1))), "0102");
  EXPECT_EQ(hex(encoded(std::variant<int, bool>(true))), "0101");
  EXPECT_EQ(hex(encoded(std::pair(1, true))), "0201");
  EXPECT_EQ(hex(encoded(std::vector<int>{1, 2})), "020204");
  EXPECT_EQ(hex(encoded(std::array<int, 2>{1, 2})), "0204");
  EXPECT_EQ(hex(encoded(std::map<int, bool>{{1, true}})), "010201");
  EXPECT_EQ(hex(encoded(std::monostate())), "00");
  EXPECT_EQ(hex(encoded(sample::Empty())), "00");
  EXPECT_EQ(hex(encoded(sample::Point{1, 0})), "020000000000000000");
  EXPECT_EQ(hex(encoded(sample::Order{1, {2, "EUR"}})), "020403455552");
}

TEST(SerializerTest, EveryPrefixIsRefused) {
  sample::Maker maker(12);
  for (int i = 0; i < 50; ++i) {
    const std::string bytes = encoded(maker.everything());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      // A copy of its own, so that a sanitizer sees a read past the end.
      const std::string prefix = bytes.substr(0, size);
      ByteReader in(prefix);
      EXPECT_THROW(Serializer<sample::Everything>::decode(in, maker.text_maker()), DecodeError);
    }
  }
}

TEST(SerializerTest, DamagedBytesNeverCrash) {
  sample::Maker maker(13);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = encoded(maker.everything());
    for (std::uint64_t n = 1 + maker.rng().uniform(4); n > 0; --n) {
      bytes[maker.rng().uniform(bytes.size())] = static_cast<char>(maker.rng().next());
    }
    ByteReader in(bytes);
    try {
      Serializer<sample::Everything>::decode(in, maker.text_maker());
    } catch (const DecodeError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

template <class T>
void expect_refused(std::string_view bytes, std::string_view message) {
  ByteReader in(bytes);
  TextMaker text;
  try {
    Serializer<T>::decode(in, text);
    ADD_FAILURE() << "decoded " << hex(bytes);
  } catch (const DecodeError& error) {
    EXPECT_NE(std::string_view(error.what()).find(message), std::string_view::npos) << error.what();
  }
}

TEST(SerializerTest, WhatNoValueEncodesToIsRefused) {
  expect_refused<bool>("\x02", "expected 0 or 1");
  expect_refused<std::optional<int>>("\x03", "expected 0 or 1");
  expect_refused<std::variant<int, bool>>("\x02", "unknown alternative");
  expect_refused<std::int16_t>("\x80\x80\x04", "out of range");
  expect_refused<std::uint16_t>("\x80\x80\x04", "out of range");
  expect_refused<sample::Empty>("\x01", "expected 0");
  // A count that the bytes cannot hold allocates nothing.
  expect_refused<std::vector<sample::Everything>>("\xFF\xFF\xFF\xFF\x0F", "");
  expect_refused<std::map<int, int>>("\xFF\xFF\xFF\xFF\x0F", "");
}

TEST(SerializerTest, TextIsVisitedWhereverItLies) {
  sample::Maker maker(14);
  sample::Everything value;
  value.text = "one";
  value.maybe = Text("two");
  value.choice = Text("three");
  std::get<1>(value.tuple) = "four";
  value.by_name[Text("five")] = {};
  value.by_number[1] = "six";
  std::string seen;
  for_each_text(value, [&seen](Text& text) { seen += text.str() + " "; });
  EXPECT_EQ(seen, "one two three four five six ");
  const sample::Everything& constant = value;
  int count = 0;
  for_each_text(constant, [&count](const Text&) { ++count; });
  EXPECT_EQ(count, 6);
  sample::Order order{1, {2, "EUR"}};
  for_each_text(order, [](Text& text) { text = "USD"; });
  EXPECT_EQ(order.price.currency, "USD");
}

TEST(SerializerTest, MovingTextElsewhereKeepsTheValue) {
  sample::Maker maker(15);
  ArenaList arenas;
  TextMaker elsewhere(arenas);
  for (int i = 0; i < 200; ++i) {
    const sample::Everything value = maker.everything();
    sample::Everything moved = value;
    for_each_text(moved, [&elsewhere](Text& text) { text = elsewhere.text(text.view()); });
    ASSERT_EQ(moved, value);
    for_each_text(moved, [&arenas](Text& text) {
      ASSERT_TRUE(text.is_self_contained() || arenas.contains(text.data()));
    });
  }
}

}  // namespace
}  // namespace weir
