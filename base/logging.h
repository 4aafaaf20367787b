// SPDX-License-Identifier: Apache-2.0
// Structured logging: a text that never changes, and fields that do.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

// Duration is a type of std, so argument-dependent look-up would not find its to_string.
#include "base/time.h"

namespace weir {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

std::string_view to_string(LogLevel level);

/// One name with its value, already text: log_info("checkpoint completed", {{"id", 7}}).
class LogField {
 public:
  template <class T>
  LogField(std::string_view field_key, const T& field_value) : key(field_key) {
    if constexpr (std::is_same_v<T, bool>) {
      value = field_value ? "true" : "false";
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = std::to_string(field_value);
    } else if constexpr (requires { std::string(field_value); }) {
      value = std::string(field_value);
    } else {
      value = std::string(to_string(field_value));
    }
  }

  std::string_view key;
  std::string value;
};

/// One line of the log. The views live as long as the call of the sink.
struct LogEntry {
  LogLevel level;
  std::string_view text;
  std::span<const LogField> fields;
};

/// Takes every entry at or above the level. Called by the thread that logs, one call at a time.
using LogSink = std::function<void(const LogEntry&)>;

/// Replaces the process's sink and returns the one before; an empty one means standard error.
/// The one piece of ambient state in Weir. Thread: any.
LogSink set_log_sink(LogSink sink);

/// Sets the least level that is logged. Default: kInfo. Returns the one before. Thread: any.
LogLevel set_log_level(LogLevel level);
bool is_logged(LogLevel level);

/// Formats an entry as `warning: text: key=value key="two words"`, without time and line end.
std::string format_log_entry(const LogEntry& entry);

/// Hands the entry to the sink. Thread: any. Cost: formats the fields and takes a lock; not for the
/// record path.
void log(LogLevel level, std::string_view text, std::initializer_list<LogField> fields = {});

inline void log_debug(std::string_view text, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kDebug, text, fields);
}
inline void log_info(std::string_view text, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kInfo, text, fields);
}
inline void log_warning(std::string_view text, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kWarning, text, fields);
}
inline void log_error(std::string_view text, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::kError, text, fields);
}

}  // namespace weir
