// SPDX-License-Identifier: Apache-2.0
// What the reading and the writing half of the JSON format share.
#pragma once

#include <memory>
#include <string>

#include "connectors/formats/format.h"

namespace weir::detail {

std::unique_ptr<FormatReader> make_json_reader(const TypeInfo& type);
std::unique_ptr<FormatWriter> make_json_writer(const TypeInfo& type);

/// Whether values of this type can be names of fields, as the keys of a map.
bool is_json_name(const TypeInfo& type);

/// The name by which an alternative of a variant goes: of its type, or its index where two
/// alternatives have the same.
std::string json_alternative_name(const TypeInfo& variant, std::size_t index);

}  // namespace weir::detail
