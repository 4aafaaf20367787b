// SPDX-License-Identifier: Apache-2.0
// FileWriter: records encoded as lines into rolling files.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "connectors/files/rolling_files.h"
#include "connectors/formats/format.h"
#include "connectors/source/bad_records.h"
#include "core/sink.h"

namespace weir::detail {

/// Writes each record as a line.
template <class T>
class FileWriter final : public SinkWriter<T> {
 public:
  FileWriter(RecordWriter<T> records, RollingFilesSettings settings, OnBadRecord on_bad_record)
      : records_(std::move(records)), files_(std::move(settings)), bad_records_(on_bad_record) {}

  void open(OperatorContext& context) override {
    bad_records_.open(context);
    files_.open(context);
  }
  void write(const TypedBatch<T>& batch, std::size_t begin, std::size_t end) override {
    for (const T& row : batch.rows().subspan(begin, end - begin)) {
      std::string& buffer = files_.buffer();
      const std::size_t before = buffer.size();
      try {
        records_.write(row, buffer);
      } catch (const RecordError& error) {
        buffer.resize(before);
        bad_records_.add_unwritten(error.what());
      }
      files_.end_record();
    }
    files_.end_batch();
  }
  void prepare_commit(CheckpointId checkpoint) override { files_.prepare_commit(checkpoint); }
  void commit(CheckpointId checkpoint) override { files_.commit(checkpoint); }
  void prepare_stop() override { files_.end_file(); }
  void finish() override { files_.finish(); }
  void close() noexcept override { files_.close(); }
  ProcessingTime next_processing_time() const override { return files_.next_processing_time(); }
  void on_processing_time(ProcessingTime now) override { files_.on_processing_time(now); }

 private:
  RecordWriter<T> records_;
  RollingFiles files_;
  BadRecords bad_records_;
};

}  // namespace weir::detail
