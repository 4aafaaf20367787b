// SPDX-License-Identifier: Apache-2.0
// FileSource and FileSink: records as lines of files, exactly once on both sides.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <weir/connectors/formats.h>

#include "connectors/files/file_enumerator.h"
#include "connectors/files/file_reader.h"
#include "connectors/files/file_writer.h"
#include "connectors/source/bad_records.h"
#include "connectors/formats/format.h"
#include "core/sink.h"
#include "core/source.h"

namespace weir {

/// Reads the lines of files, each once, and ends at the end of the last file.
///
///   weir::FileSource<Transaction>{.path = "transactions/", .format = weir::json()}
///
/// Large files are cut into splits, so that all subtasks share the work. Records of one split come
/// in the order of the file; the watermark is kept for each split, and splits are read in order.
/// Lines end with LF or CRLF; empty ones are passed over.
///
/// State:  the files and ranges not yet read, with byte offsets. A restored job reads these,
///         whatever `path` says by then, and no files that came later.
/// Errors: a path that means no file, or cannot be read, fails the job without retry; so does a
///         file that changes its size while the job runs. All name the path.
/// Cost:   reads in place, in blocks of a megabyte.
template <class T>
struct FileSource {
  using Row = T;

  /// A file, a folder (its files, not those of folders in it), or a pattern such as
  /// "logs/2026-*/*.json". Names that begin with a dot are passed over. Pipes and devices cannot be
  /// cut into splits and are refused. No default.
  std::string path = {};
  /// How a line becomes a record: `weir::json()`, `weir::csv()`, `weir::lines()`. No default.
  Format<T> format = {};
  /// Bytes of a split. Default: 4 MiB.
  std::uint64_t split_bytes = std::uint64_t{4} << 20;
  /// What to do with a line that is no record. Skipped ones are counted and shown in the log with
  /// file, byte offset and reason. Default: skip.
  OnBadRecord on_bad_record = OnBadRecord::kSkip;
  /// A longer line is a bad record; it is never held in memory. Bytes. Default: 16 MiB.
  std::size_t max_line_bytes = std::size_t{16} << 20;
  /// Records per second, over all subtasks; 0 for as fast as possible. Default: 0.
  double rate_per_second = {};

  std::vector<std::string> validate() const;
  std::unique_ptr<SplitEnumerator> make_enumerator() const {
    return std::make_unique<detail::FileEnumerator>(path, split_bytes);
  }
  std::unique_ptr<SourceReader<T>> make_reader() const;
};

/// Writes each record as a line into files of a folder, which become visible exactly once.
///
///   weir::FileSink<Alert>{.path = "alerts/", .format = weir::json()}
///
/// A file is written under a hidden name. When it is closed (by size, age, inactivity or the end of
/// the input) and a checkpoint after that is complete, it is renamed to
/// `<prefix>-<subtask>-<run>-<attempt>-<n>`. So nothing is visible without checkpoints, and what is
/// visible never changes.
///
/// State:  the names and lengths of files that are not visible yet.
/// Errors: a file that a checkpoint speaks of and that is gone or damaged is data loss, which names
///         it. What the file system refuses (disk full) ends the attempt.
/// Cost:   appends in place; fsync and renames run in the background.
template <class T>
struct FileSink {
  /// The folder; made if it is not there. No default.
  std::string path = {};
  /// How a record becomes a line: `weir::json()`, `weir::csv()`, `weir::lines()`. No default.
  Format<T> format = {};
  /// Size at which a file is closed. Bytes. Default: 128 MiB.
  std::uint64_t roll_bytes = std::uint64_t{128} << 20;
  /// Age at which a file is closed. Default: 60 s.
  Duration roll_interval = std::chrono::seconds{60};
  /// Time without a record after which a file is closed. Default: 60 s.
  Duration inactivity = std::chrono::seconds{60};
  /// What the names of the files begin with. Default: "part".
  std::string prefix = "part";
  /// What to do with a record that the format cannot write. Skipped ones are counted and shown in
  /// the log. Default: skip.
  OnBadRecord on_bad_record = OnBadRecord::kSkip;

  std::vector<std::string> validate() const;
  std::unique_ptr<SinkWriter<T>> make_writer() const;
  bool commits() const { return true; }
  std::vector<StateDescriptor> states() const { return {detail::FileSinkTable::make_descriptor()}; }
};

// Implementation details follow.

template <class T>
std::vector<std::string> FileSource<T>::validate() const {
  std::vector<std::string> mistakes;
  if (path.empty()) mistakes.push_back("path is empty");
  if (std::string mistake = format.mistake(); !mistake.empty()) mistakes.push_back(mistake);
  if (split_bytes == 0) mistakes.push_back("split_bytes is 0");
  if (max_line_bytes == 0) mistakes.push_back("max_line_bytes is 0");
  if (!(rate_per_second >= 0)) mistakes.push_back("rate_per_second is negative");
  return mistakes;
}

template <class T>
std::unique_ptr<SourceReader<T>> FileSource<T>::make_reader() const {
  return std::make_unique<detail::FileReader<T>>(
      format.make_reader(), detail::RangeReader(max_line_bytes, on_bad_record), rate_per_second);
}

template <class T>
std::vector<std::string> FileSink<T>::validate() const {
  std::vector<std::string> mistakes;
  if (path.empty()) mistakes.push_back("path is empty");
  if (std::string mistake = format.mistake(); !mistake.empty()) mistakes.push_back(mistake);
  if (roll_bytes == 0) mistakes.push_back("roll_bytes is 0");
  if (roll_interval <= Duration{0}) mistakes.push_back("roll_interval is not positive");
  if (inactivity <= Duration{0}) mistakes.push_back("inactivity is not positive");
  if (prefix.empty() || prefix.front() == '.' || prefix.find('/') != std::string::npos) {
    mistakes.push_back("prefix '" + prefix + "' is empty, begins with a dot or contains a slash");
  }
  return mistakes;
}

template <class T>
std::unique_ptr<SinkWriter<T>> FileSink<T>::make_writer() const {
  RecordWriter<T> records = format.make_writer();
  std::string header;
  records.write_header(header);
  return std::make_unique<detail::FileWriter<T>>(
      std::move(records),
      detail::RollingFilesSettings{.path = path,
                                   .prefix = prefix,
                                   .roll_bytes = roll_bytes,
                                   .roll_interval = roll_interval,
                                   .inactivity = inactivity,
                                   .header = std::move(header)},
      on_bad_record);
}

}  // namespace weir
