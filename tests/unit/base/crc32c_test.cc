// SPDX-License-Identifier: Apache-2.0
// CRC-32C against published values, and the instruction against the tables.
#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"

namespace weir {
namespace {

TEST(Crc32cTest, AgreesWithPublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(""), 0U);
  // RFC 3720, appendix B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST(Crc32cTest, SeedContinuesWhereThePrefixEnded) {
  const std::string text = "one checksum over two pieces";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text));
  }
}

TEST(Crc32cTest, TablesAgreeWithTheInstructionAtEveryLengthAndSeed) {
  Rng rng(1);
  std::string bytes;
  for (int length = 0; length < 100; ++length) {
    const auto seed = static_cast<std::uint32_t>(rng.next());
    EXPECT_EQ(detail::crc32c_by_tables(bytes, seed), crc32c(bytes, seed)) << length;
    bytes.push_back(static_cast<char>(rng.next()));
  }
}

TEST(Crc32cTest, EveryFlippedBitChangesIt) {
  std::string bytes = "checksummed";
  const std::uint32_t before = crc32c(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(crc32c(bytes), before);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

}  // namespace
}  // namespace weir
