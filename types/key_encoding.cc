// SPDX-License-Identifier: Apache-2.0
// Reads strings out of encoded keys.
#include "types/key_encoding.h"

namespace weir::detail {

std::string unescape_key_string(ByteReader& in) {
  const ByteView rest = in.rest();
  const std::size_t end = rest.find('\0');
  if (end == ByteView::npos) {
    throw DecodeError("a string in a key has no end", in.offset());
  }
  std::string bytes;
  bytes.reserve(end);
  for (std::size_t i = 0; i < end; ++i) {
    if (rest[i] != 1) {
      bytes.push_back(rest[i]);
      continue;
    }
    if (++i == end || rest[i] < 1 || rest[i] > 2) {
      throw DecodeError("a string in a key is escaped wrongly", in.offset() + i);
    }
    bytes.push_back(static_cast<char>(rest[i] - 1));
  }
  in.get_bytes(end + 1);
  return bytes;
}

}  // namespace weir::detail
