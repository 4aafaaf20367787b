// SPDX-License-Identifier: Apache-2.0
// RollingFiles: the part of a file sink that does not depend on the record type.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "connectors/files/file_sink_state.h"
#include "connectors/files/output_names.h"
#include "core/operator_context.h"

namespace weir::detail {

/// What a file sink is told by its options.
struct RollingFilesSettings {
  std::string path;
  std::string prefix;
  std::uint64_t roll_bytes = 0;
  Duration roll_interval{0};
  Duration inactivity{0};
  /// What each file begins with.
  std::string header;
};

/// Writes bytes into hidden files and makes each visible, exactly once, when a checkpoint that
/// contains all of it is complete.
///
/// The life of a file: in progress (the one being written; at a barrier the checkpoint notes its
/// valid length), pending (closed by size, age, inactivity or the end of input; belongs to the
/// first checkpoint after that), visible (renamed when that checkpoint or a later one is complete).
/// A restore renames again what the checkpoint holds as pending, and copies the valid part of what
/// was in progress into a file of its own, so nothing that an older checkpoint or an attempt that
/// is still alive refers to is ever changed. Files that nobody refers to any more are deleted after
/// the first checkpoint of the new attempt; those that nobody ever referred to, when the writer is
/// closed, as nobody else may come to do it: an attempt that was cut off can outlive its job.
///
/// Renames and the sync of the folder behind them run off the subtask's thread; fsync of the files
/// runs where the snapshot is written. Appending is done in place.
///
/// Errors: throws StatusError that names the path; that ends the attempt.
/// Thread: the subtask's.
class RollingFiles {
 public:
  static constexpr std::size_t kBufferBytes = std::size_t{256} << 10;

  explicit RollingFiles(RollingFilesSettings settings);
  ~RollingFiles();

  void open(OperatorContext& context);

  /// Where the next record's bytes are to be appended, line end included.
  std::string& buffer() { return buffer_; }
  /// A whole record was appended.
  void end_record() {
    if (buffer_.size() >= kBufferBytes || file_bytes_ + buffer_.size() >= settings_.roll_bytes) {
      flush_or_roll();
    }
  }
  /// Some records were appended; starts the time of inactivity.
  void end_batch();

  void prepare_commit(CheckpointId checkpoint);
  void commit(CheckpointId checkpoint);
  /// What has been written is to become visible with the next checkpoint.
  void end_file() { roll(); }
  void finish();
  /// Deletes what was written after the last barrier: nobody refers to it, and it is written again.
  void close() noexcept;
  ProcessingTime next_processing_time() const;
  void on_processing_time(ProcessingTime now);

 private:
  bool has_content() const { return file_ != nullptr || !buffer_.empty(); }
  void flush_or_roll();
  void flush();
  void roll();
  void start_file();
  FileSinkSnapshot snapshot(CheckpointId checkpoint) const;
  void restore();
  void continue_file(const UncommittedFile& source);
  void start_commit();
  void end_commit(const Status& status, CheckpointId checkpoint);

  const RollingFilesSettings settings_;
  OperatorContext* context_ = nullptr;
  std::optional<OutputNames> names_;
  FileSinkTable table_;

  std::string buffer_;                // records not yet in the file
  std::unique_ptr<OutputFile> file_;  // in progress; null until something is flushed
  std::uint64_t file_bytes_ = 0;
  std::uint64_t file_number_ = 0;       // of the file in progress, or the next one
  std::uint64_t first_unreferred_ = 0;  // the first file that no snapshot refers to
  // Of the first batch with a record in the file or buffer, none if there is none; and of the last.
  ProcessingTime started_at_ = ProcessingTime::none();
  ProcessingTime written_at_ = ProcessingTime::none();

  std::vector<UncommittedFile> pending_;  // in order of closing
  std::vector<std::string> superseded_;   // restored files whose content was copied
  CheckpointId restored_checkpoint_;
  bool left_overs_removed_ = false;
  // The highest id that was notified, and the one a commit is running for, if any.
  CheckpointId notified_;
  std::optional<CheckpointId> committing_;
};

}  // namespace weir::detail
