// SPDX-License-Identifier: Apache-2.0
// Walks encoded values by their schema, without their types.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/bytes.h"
#include "state/snapshot/schema.h"

namespace weir {

/// Reads past one value of a type with a Serializer of its own, by the type's name. A schema does
/// not say where such a value ends.
using CustomSkips = std::map<std::string, void (*)(ByteReader&), std::less<>>;

/// Reads an integer of this kind, as types/serializer.h writes it; signed ones and the two times.
///
/// Errors: DecodeError, also for a number that does not fit the kind. The others likewise.
std::int64_t get_signed(TypeKind kind, ByteReader& in);
std::uint64_t get_unsigned(TypeKind kind, ByteReader& in);
bool get_flag(ByteReader& in);
/// Reads what stands for a value without parts.
void get_empty(ByteReader& in);
/// The index of the alternative that a variant holds.
std::size_t get_alternative(const Schema& variant, ByteReader& in);
/// A count of elements, of which each takes a byte at least.
std::uint64_t get_count(ByteReader& in);
/// Whether a value takes one byte 0 because it has no parts.
bool is_empty_shape(const Schema& schema);

/// Reads past one value and checks all of it.
///
/// Errors: DecodeError; also for a custom type that `customs` does not know.
/// Thread: any. Its depth is that of the schema.
void skip_value(const Schema& schema, ByteReader& in, const CustomSkips& customs);

}  // namespace weir
