// SPDX-License-Identifier: Apache-2.0
// What cannot be encoded canonically cannot be a key.
// expect: weir: this type cannot be a key
#include "types/key_codec.h"

std::uint32_t hash(const std::vector<int>& key) { return weir::key_hash(key); }
