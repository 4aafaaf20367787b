// SPDX-License-Identifier: Apache-2.0
// The long varint and the failures, out of the inlined fast paths.
#include "base/bytes.h"

namespace weir {

namespace detail {

void throw_truncated(std::size_t offset, std::size_t needed, std::size_t available) {
  throw DecodeError("input ends too early: needed=" + std::to_string(needed) +
                        " available=" + std::to_string(available),
                    offset);
}

void throw_bad_varint(std::size_t offset) { throw DecodeError("malformed varint", offset); }

}  // namespace detail

std::uint64_t ByteReader::get_long_varint() {
  const std::size_t start = offset();
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = get_u8();
    const bool overflows = shift == 63 && byte > 1;
    const bool is_padding = byte == 0 && shift > 0;
    if (overflows || is_padding) [[unlikely]] {
      detail::throw_bad_varint(start);
    }
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  detail::throw_bad_varint(start);
}

}  // namespace weir
