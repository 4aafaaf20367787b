// SPDX-License-Identifier: Apache-2.0
// The process's log sink, and the one line format.
#include "base/logging.h"

#include <atomic>
#include <cstdio>
#include <mutex>

#include "base/check.h"
#include "base/clock.h"

namespace weir {

namespace {

struct ProcessLog {
  std::mutex mutex;
  LogSink sink;  // guarded by mutex
  std::atomic<LogLevel> level{LogLevel::kInfo};
};

// Never destroyed: threads may log while the process ends.
ProcessLog& process_log() {
  static ProcessLog& log = *new ProcessLog;
  return log;
}

void append_value(std::string& line, std::string_view value) {
  if (!value.empty() && value.find_first_of(" \t\r\n\"=") == std::string_view::npos) {
    line.append(value);
    return;
  }
  line.push_back('"');
  for (const char c : value) {
    switch (c) {
      case '\n': line.append("\\n"); break;
      case '\r': line.append("\\r"); break;
      case '"': line.append("\\\""); break;
      case '\\': line.append("\\\\"); break;
      default: line.push_back(c);
    }
  }
  line.push_back('"');
}

void write_to_stderr(const LogEntry& entry) {
  std::string line = to_string(SystemClock().now());
  line.append(" ").append(format_log_entry(entry)).push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kError: return "error";
  }
  WEIR_UNREACHABLE();
}

LogSink set_log_sink(LogSink sink) {
  ProcessLog& log = process_log();
  const std::lock_guard lock(log.mutex);
  return std::exchange(log.sink, std::move(sink));
}

LogLevel set_log_level(LogLevel level) { return process_log().level.exchange(level); }

bool is_logged(LogLevel level) {
  return level >= process_log().level.load(std::memory_order_relaxed);
}

std::string format_log_entry(const LogEntry& entry) {
  std::string line(to_string(entry.level));
  line.append(": ").append(entry.text);
  const char* separator = ": ";
  for (const LogField& field : entry.fields) {
    line.append(separator).append(field.key).push_back('=');
    append_value(line, field.value);
    separator = " ";
  }
  return line;
}

void log(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
  if (!is_logged(level)) {
    return;
  }
  const LogEntry entry{level, text, {fields.begin(), fields.size()}};
  ProcessLog& log = process_log();
  const std::lock_guard lock(log.mutex);
  if (log.sink) {
    log.sink(entry);
  } else {
    write_to_stderr(entry);
  }
}

}  // namespace weir
