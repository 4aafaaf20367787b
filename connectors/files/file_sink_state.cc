// SPDX-License-Identifier: Apache-2.0
// Coding and freezing of a file sink's state. The coding is part of snapshots.
#include "connectors/files/file_sink_state.h"

#include <utility>

#include "base/fault_point.h"

namespace weir::detail {
namespace {

constexpr std::uint8_t kVersion = 1;

void encode_files(ByteWriter& out, const std::vector<UncommittedFile>& files) {
  out.put_varint64(files.size());
  for (const UncommittedFile& file : files) {
    out.put_string(file.hidden);
    out.put_string(file.visible);
    out.put_varint64(file.length);
    out.put_varint64(file.checkpoint.value());
  }
}

std::vector<UncommittedFile> decode_files(ByteReader& in) {
  const std::uint64_t count = in.get_varint64();
  in.need(count);
  std::vector<UncommittedFile> files;
  for (std::uint64_t i = 0; i < count; ++i) {
    UncommittedFile file;
    file.hidden = in.get_string();
    file.visible = in.get_string();
    file.length = in.get_varint64();
    file.checkpoint = CheckpointId(in.get_varint64());
    files.push_back(std::move(file));
  }
  return files;
}

class FrozenFileSink final : public FrozenState {
 public:
  explicit FrozenFileSink(FileSinkSnapshot snapshot) : snapshot_(std::move(snapshot)) {}

  // The checkpoint may only count once the output it speaks of is durable.
  Status write(StateEntrySink& sink) override {
    fault_point("file-sink.before-sync");
    for (const auto* files : {&snapshot_.pending, &snapshot_.in_progress}) {
      for (const UncommittedFile& file : *files) {
        if (file.syncer != nullptr) WEIR_RETURN_IF_ERROR(file.syncer->sync());
      }
    }
    fault_point("file-sink.after-sync");
    return sink.entry(0, {}, encode_file_sink_snapshot(snapshot_));
  }

 private:
  const FileSinkSnapshot snapshot_;
};

}  // namespace

std::string encode_file_sink_snapshot(const FileSinkSnapshot& snapshot) {
  ByteWriter out;
  out.put_u8(kVersion);
  out.put_varint64(snapshot.subtask.value());
  out.put_varint64(snapshot.checkpoint.value());
  out.put_string(snapshot.lineage);
  out.put_varint64(snapshot.generation);
  encode_files(out, snapshot.pending);
  encode_files(out, snapshot.in_progress);
  return out.take();
}

FileSinkSnapshot decode_file_sink_snapshot(ByteView bytes) {
  ByteReader in(bytes);
  if (in.get_u8() != kVersion) throw DecodeError("file sink state of an unknown version", 0);
  FileSinkSnapshot snapshot;
  snapshot.subtask = SubtaskIndex(in.get_varint32());
  snapshot.checkpoint = CheckpointId(in.get_varint64());
  snapshot.lineage = in.get_string();
  snapshot.generation = in.get_varint64();
  snapshot.pending = decode_files(in);
  snapshot.in_progress = decode_files(in);
  return snapshot;
}

FileSinkTable::FileSinkTable(std::function<FileSinkSnapshot(CheckpointId)> take)
    : descriptor_(make_descriptor()), take_(std::move(take)) {}

StateDescriptor FileSinkTable::make_descriptor() {
  return {.name = "uncommitted-files",
          .kind = StateKind::kOperator,
          .distribution = StateDistribution::kUnion,
          .key_schema = {},
          .value_schema = "weir.file-sink"};
}

std::unique_ptr<FrozenState> FileSinkTable::freeze(CheckpointId checkpoint) {
  return std::make_unique<FrozenFileSink>(take_(checkpoint));
}

void FileSinkTable::restore(std::uint32_t, ByteView, ByteView value) {
  restored_.push_back(decode_file_sink_snapshot(value));
}

}  // namespace weir::detail
