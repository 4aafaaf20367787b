// SPDX-License-Identifier: Apache-2.0
// The formats that come with Weir: JSON, CSV and plain lines.
#pragma once

#include "connectors/formats/format.h"

namespace weir {

/// JSON, one value per line.
///
/// A record is an object with its fields by name, read in any order; unknown fields are ignored,
/// absent ones keep their default. Integers and floating-point numbers are exact both ways; NaN and
/// infinities are the strings "NaN", "Infinity", "-Infinity". Event times are written as
/// milliseconds and read as those or as ISO-8601 text; durations and time points are counts of
/// their unit. An empty optional is null; vectors, arrays, pairs and tuples are arrays; a map is an
/// object (an array of pairs when its keys are not strings, integers or enums); an enum is its
/// number, or its name where `weir::EnumNames` gives one (read as either); a variant is an object
/// with one field, named for the alternative. Text that is not UTF-8 is written with U+FFFD in its
/// place.
///
/// Errors: RecordError that names the field and what was expected. A type with a Serializer of its
///         own has no JSON.
AnyFormat json();

struct CsvOptions {
  char delimiter = ',';
  /// Whether the first line of each file names the columns. Columns are then read by name: unknown
  /// ones are ignored, absent ones keep their default. Without a header they are read in the order
  /// of the fields, and all must be there. Default: no.
  bool header = false;
};

/// CSV as in RFC 4180, one record per line, a column per field.
///
/// Fields are numbers, text, times, enums and optionals of those. An empty cell is an empty
/// optional or empty text. Line breaks inside quotes are written, but a source that reads by lines
/// cannot read them back.
///
/// Errors: RecordError that names the column and what was expected.
AnyFormat csv(CsvOptions options = {});

/// Plain lines: each is one Text or std::string, as it stands.
AnyFormat lines();

}  // namespace weir
