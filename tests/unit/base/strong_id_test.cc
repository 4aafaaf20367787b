// SPDX-License-Identifier: Apache-2.0
// Ids that cannot be mixed up.
#include "base/strong_id.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <type_traits>
#include <unordered_set>

namespace weir {
namespace {

using VertexId = StrongId<struct VertexIdTag, std::uint32_t>;
using OtherId = StrongId<struct OtherIdTag, std::uint32_t>;
using NameId = StrongId<struct NameIdTag, std::string>;

static_assert(!std::is_convertible_v<std::uint32_t, VertexId>);
static_assert(!std::is_convertible_v<VertexId, std::uint32_t>);
static_assert(!std::is_constructible_v<VertexId, OtherId>);
static_assert(std::is_trivially_copyable_v<VertexId>);
static_assert(sizeof(VertexId) == sizeof(std::uint32_t));

TEST(StrongIdTest, DefaultIsZeroOrEmpty) {
  EXPECT_EQ(VertexId().value(), 0U);
  EXPECT_EQ(NameId().value(), "");
}

TEST(StrongIdTest, ComparesByValue) {
  EXPECT_EQ(VertexId(2), VertexId(2));
  EXPECT_LT(VertexId(2), VertexId(10));
  EXPECT_LT(NameId("10"), NameId("2"));
  const std::set<VertexId> sorted = {VertexId(3), VertexId(1)};
  EXPECT_EQ(sorted.begin()->value(), 1U);
}

TEST(StrongIdTest, HashesByValue) {
  const std::unordered_set<NameId> names = {NameId("a"), NameId("b"), NameId("a")};
  EXPECT_EQ(names.size(), 2U);
}

TEST(StrongIdTest, PrintsItsValue) {
  EXPECT_EQ(to_string(VertexId(7)), "7");
  EXPECT_EQ(to_string(NameId("alerts")), "alerts");
}

}  // namespace
}  // namespace weir
