// SPDX-License-Identifier: Apache-2.0
// What a source connector implements: an enumerator that finds splits, readers that read them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/operator_context.h"
#include "types/record.h"
#include "types/text.h"

namespace weir {

/// A unit of source work: a file range, a partition. `position` is how far it has been read, in the
/// connector's own encoding; `id` never changes.
struct SourceSplit {
  std::string id;
  std::string position;
};
WEIR_RECORD(SourceSplit, id, position)

/// Finds splits and hands them out. Runs as an operator with parallelism 1, so its splits travel to
/// the readers in the same channels as the barriers.
///
/// Thread: the enumerator subtask's.
class SplitEnumerator {
 public:
  virtual ~SplitEnumerator() = default;
  /// Finds the first splits, or goes on from `restored` (what `snapshot` returned). Throws
  /// StatusError (user error, names the path or topic) when there is nothing to read from.
  virtual void open(OperatorContext& context, const std::optional<std::string>& restored) = 0;
  /// Gives the next split for a reader that asked for work; `nullopt` if there is none now.
  virtual std::optional<SourceSplit> next_split(SubtaskIndex reader) = 0;
  /// True when no split will ever follow those handed out.
  virtual bool is_exhausted() const = 0;
  /// What to remember: what was discovered and what was handed out, not who has it.
  virtual std::string snapshot() const = 0;
  /// When to look for new splits next; `ProcessingTime::max()` for never.
  virtual ProcessingTime discover_next() const { return ProcessingTime::max(); }
  virtual void discover() {}
};

/// What a reader found.
enum class ReadResult {
  kMore,     ///< more can be read now
  kNothing,  ///< no data now; `OperatorContext::wake_at` or `post` will bring the next call
  kNoSplit,  ///< all splits were read to their end
};

/// Room for rows that a reader constructs in place, one behind the other.
template <class T>
struct SourceRoom {
  T* rows = nullptr;
  std::size_t size = 0;
  TextMaker* text = nullptr;  ///< makes the text of the rows
};

/// Where a reader emits. Belongs to the source operator, which assigns event times and watermarks.
template <class T>
class SourceOutput {
 public:
  virtual ~SourceOutput() = default;
  /// Emits a record of the split that was begun last. `timestamp` is the connector's (a Kafka
  /// timestamp), none where it has no such thing. `row`'s text must come from `maker()`.
  virtual void emit(T row, EventTime timestamp) = 0;
  virtual TextMaker& maker() = 0;
  /// For readers that make many rows at once: room for one or more, to be constructed in place, of
  /// which `end_append` says how many were. They have no timestamp. Nothing may be emitted between
  /// the two. No room: this output only emits.
  virtual SourceRoom<T> begin_append() { return {}; }
  virtual void end_append(std::size_t count) { (void)count; }
  /// Records that follow belong to this split.
  virtual void begin_split(const std::string& id) = 0;
  /// The split was read to its end: it no longer holds the watermark back.
  virtual void end_split(const std::string& id) = 0;
};

/// Reads the splits of one subtask.
///
/// Thread: the reader subtask's. Reads of local files are done in place; what can wait for long
/// (a network) has a thread of its own and wakes the subtask by `OperatorContext::post`.
template <class T>
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  virtual void open(OperatorContext& context) = 0;
  virtual void add_split(SourceSplit split) = 0;
  /// Reads at most about `max_records` and emits them.
  virtual ReadResult read(SourceOutput<T>& output, std::size_t max_records) = 0;
  /// The splits not read to their end, with positions after the last emitted record.
  virtual std::vector<SourceSplit> snapshot() const = 0;
  virtual void close() noexcept {}
};

}  // namespace weir
