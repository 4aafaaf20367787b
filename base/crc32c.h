// SPDX-License-Identifier: Apache-2.0
// CRC-32C: the checksum of everything that is stored or sent.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// Returns the CRC-32C (Castagnoli) of `bytes`. With the result for a prefix as `seed`, it
/// continues: crc32c(b, crc32c(a)) == crc32c(ab).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

namespace detail {
/// The same without the processor's instruction: for other processors, and to test one by the
/// other.
std::uint32_t crc32c_by_tables(std::string_view bytes, std::uint32_t seed);
}  // namespace detail

}  // namespace weir
