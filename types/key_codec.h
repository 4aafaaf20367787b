// SPDX-License-Identifier: Apache-2.0
// Encodes, decodes, hashes and orders keys. The encoding itself is in types/key_encoding.h.
#pragma once

#include "base/hash.h"
#include "types/key_encoding.h"
#include "types/short_hash.h"

namespace weir {
namespace detail {

template <class K>
std::uint32_t hash_key(const K& key) {
  if constexpr (kIsNumberKey<K> && sizeof(K) >= 4) {
    const auto bits = big_endian(ordered_bits(key_number(key)));
    return fold_hash(xxh3_of_words(bits, 0, sizeof(bits)));
  } else if constexpr (kTypeKind<K> == TypeKind::kText) {
    if (const std::size_t size = key.size(); size >= 3 && size <= Text::kInlineBytes) {
      // The encoded key: the bytes inside, then a zero, because unused bytes are zero.
      std::uint64_t head = 0;
      std::uint32_t rest = 0;
      std::memcpy(&head, key.data(), sizeof(head));
      std::memcpy(&rest, key.data() + sizeof(head), sizeof(rest));
      // Bytes past the end count as harmless.
      constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};
      const std::uint64_t past_head = size >= 8 ? 0 : kAllOnes << (8 * size);
      const std::uint64_t past_rest = kAllOnes << (size > 8 ? 8 * (size - 8) : 0);
      if (!has_escaped_byte(head | past_head) && !has_escaped_byte(rest | past_rest)) {
        return fold_hash(xxh3_of_words(head, rest, size + 1));
      }
    }
    return with_encoded_key(key, [](std::string_view bytes) { return hash32(bytes); });
  } else {
    return with_encoded_key(key, [](std::string_view bytes) { return hash32(bytes); });
  }
}

}  // namespace detail

/// Appends the encoded key.
template <class K>
void encode_key(ByteWriter& out, const K& key) {
  detail::check_key<K>();
  if constexpr (KeyType<K>) {
    detail::with_encoded_key(key, [&out](std::string_view bytes) { out.put_bytes(bytes); });
  }
}
template <class K>
void encode_key(std::string& out, const K& key) {
  detail::check_key<K>();
  if constexpr (KeyType<K>) {
    detail::with_encoded_key(key, [&out](std::string_view bytes) { out.append(bytes); });
  }
}

/// Reads one key; Text in it is made by `text`.
///
/// Errors: DecodeError.
template <class K>
K decode_key(ByteReader& in, TextMaker& text) {
  detail::check_key<K>();
  K key{};
  if constexpr (KeyType<K>) {
    detail::get_key(in, text, key);
  }
  return key;
}

/// The hash by which keys are spread and found: XXH3 of the encoded key, folded to 32 bits.
template <class K>
std::uint32_t key_hash(const K& key) {
  detail::check_key<K>();
  if constexpr (KeyType<K>) {
    return detail::hash_key(key);
  } else {
    return 0;
  }
}

/// Orders keys as their encoded bytes are ordered. Equality of keys is neither-less.
template <class K>
struct KeyLess {
  bool operator()(const K& a, const K& b) const { return detail::compare_keys(a, b) < 0; }
};

}  // namespace weir
