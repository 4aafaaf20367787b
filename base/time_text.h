// SPDX-License-Identifier: Apache-2.0
// Reads durations and event times from text that people write.
#pragma once

#include <string_view>

#include "base/status.h"
#include "base/time.h"

namespace weir {

/// Reads "10 s", "500ms", "3 min", "1 d": a whole number, optional blanks, a unit of
/// d, h, min (or m), s, ms, us, ns.
///
/// Errors: kInvalidArgument that quotes the text: no unit, an unknown one, a fraction, a sign,
/// out of range, or not a whole number of milliseconds ("10us"; "2000us" is 2 ms).
Result<Duration> parse_duration(std::string_view text);

/// Reads ISO-8601: "2026-11-21", "2026-11-21T10:15:30", with up to nine digits of a fraction (cut
/// to milliseconds), with "Z", "+01:00", "+0100" or nothing, which means UTC. A blank may stand for
/// T.
///
/// Errors: kInvalidArgument that quotes the text.
Result<EventTime> parse_event_time(std::string_view text);

}  // namespace weir
