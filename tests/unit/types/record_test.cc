// SPDX-License-Identifier: Apache-2.0
// WEIR_RECORD: what a description holds, and what it gives to a struct.
#include "types/record.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tests/unit/types/sample_types.h"
#include "types/serializer.h"
#include "types/type_info.h"

namespace outside {

// A field named as the macro's own words might be.
struct Awkward {
  int value = 0;
  int weir_value = 0;
  int description = 0;
  int Type = 0;
};
WEIR_RECORD(Awkward, value, weir_value, description, Type)

struct OwnEquality {
  int id = 0;
  int version = 0;
  friend bool operator==(const OwnEquality& a, const OwnEquality& b) { return a.id == b.id; }
  friend std::ostream& operator<<(std::ostream& out, const OwnEquality& value) {
    return out << "own " << value.id;
  }
};
WEIR_RECORD(OwnEquality, id, version)

template <class T>
struct Box {
  T held{};
  WEIR_RECORD_INSIDE(Box, held)
};

class Hidden {
 public:
  Hidden() = default;
  Hidden(int a, int b) : a_(a), b_(b) {}
  WEIR_RECORD_INSIDE(Hidden, (a_, "a"), (b_, "b"))

 private:
  int a_ = 0;
  int b_ = 0;
};

struct Wide {
  int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
      f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39,
      f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58,
      f59, f60, f61, f62, f63, f64;
};
WEIR_RECORD(Wide, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18,
            f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35,
            f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52,
            f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63, f64)

}  // namespace outside

namespace weir {
namespace {

using detail::kRecordDescription;

static_assert(kRecordDescription<sample::Point>.name == "Point");
static_assert(kRecordDescription<sample::Point>.field_names[1] == "y");
static_assert(kRecordDescription<sample::Everything>.field_names[14] == "at-time");
static_assert(kRecordDescription<sample::Empty>.kNumFields == 0);
static_assert(kRecordDescription<outside::Wide>.kNumFields == 64);
static_assert(kRecordDescription<outside::Wide>.field_names[63] == "f64");
static_assert(std::is_aggregate_v<outside::Box<int>>);
static_assert(detail::DescribedRecord<outside::Box<std::string>>);
static_assert(!detail::DescribedRecord<std::string> && !detail::DescribedRecord<int>);

template <class T>
T recoded(const T& value) {
  ByteWriter out;
  Serializer<T>::encode(out, value);
  ByteReader in(out.view());
  TextMaker text;
  return Serializer<T>::decode(in, text);
}

TEST(RecordTest, FieldsAreVisitedInTheOrderOfTheList) {
  const sample::Point point{1, 2.5};
  std::ostringstream out;
  kRecordDescription<sample::Point>.for_each_field(
      point, [&out](const auto& field) { out << field << ';'; });
  EXPECT_EQ(out.str(), "1;2.5;");
}

TEST(RecordTest, EqualityComparesEveryField) {
  EXPECT_EQ((sample::Point{1, 2}), (sample::Point{1, 2}));
  EXPECT_NE((sample::Point{1, 2}), (sample::Point{1, 3}));
  EXPECT_NE((sample::Point{1, 2}), (sample::Point{2, 2}));
  EXPECT_EQ(sample::Empty{}, sample::Empty{});
}

TEST(RecordTest, TheUsersOwnOperatorsWin) {
  EXPECT_EQ((outside::OwnEquality{1, 2}), (outside::OwnEquality{1, 3}));
  std::ostringstream out;
  out << outside::OwnEquality{5, 6};
  EXPECT_EQ(out.str(), "own 5");
}

TEST(RecordTest, PrintsNamesAndValues) {
  std::ostringstream out;
  out << sample::Key{"a\"b", -4, std::nullopt, sample::Color::kBlue};
  EXPECT_EQ(out.str(), R"(Key{name: "a\"b", number: -4, detail: none, color: 7})");
}

TEST(RecordTest, AnyFieldNameWillDo) {
  const outside::Awkward awkward{1, 2, 3, 4};
  EXPECT_EQ(recoded(awkward), awkward);
}

TEST(RecordTest, DescribesTemplatesLocalStructsAndPrivateMembersFromInside) {
  struct Local {
    int number = 0;
    std::string name;
    WEIR_RECORD_INSIDE(Local, number, name)
  };
  const Local local{7, "seven"};
  EXPECT_EQ(recoded(local), local);
  const outside::Box<std::string> box{"held"};
  EXPECT_EQ(recoded(box), box);
  EXPECT_EQ(recoded(outside::Hidden(1, 2)), outside::Hidden(1, 2));
  EXPECT_NE(recoded(outside::Hidden(1, 2)), outside::Hidden(1, 3));
  EXPECT_EQ(kRecordDescription<outside::Hidden>.field_names[1], "b");
}

TEST(RecordTest, SixtyFourFieldsAreCarried) {
  outside::Wide wide{};
  wide.f1 = 1;
  wide.f33 = 33;
  wide.f64 = 64;
  EXPECT_EQ(recoded(wide), wide);
  EXPECT_NE(recoded(outside::Wide{}), wide);
}

}  // namespace
}  // namespace weir
