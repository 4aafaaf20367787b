// SPDX-License-Identifier: Apache-2.0
// Stored keys and values as JSON, by their schema alone.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "state/snapshot/schema.h"

namespace weir {

/// Appends `"text"` with what JSON wants escaped; what is not UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);
/// Appends `{"hex":"00ff"}`, for bytes that no schema explains.
void append_json_hex(std::string& out, ByteView bytes);

/// Reads one value and appends it as the JSON format of files writes it, but for enums, which are
/// numbers: a schema does not keep their names. A value of a type with its own Serializer has no
/// end that is known: all that is left of `in` goes into it, as `append_json_hex`.
///
/// Errors: DecodeError; then `out` has some of it.
void append_value_json(std::string& out, const Schema& schema, ByteReader& in);

/// The same for an encoded key.
void append_key_json(std::string& out, const Schema& schema, ByteReader& in);

}  // namespace weir
