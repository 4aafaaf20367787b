// SPDX-License-Identifier: Apache-2.0
// Entries into blocks, blocks into a file.
#include "state/snapshot/snapshot_writer.h"

#include <fmt/format.h>

#include <utility>

#include "base/crc32c.h"

namespace weir {

using namespace snapshot_format;

SnapshotWriter::SnapshotWriter(std::unique_ptr<SnapshotFile> file, Index head, Contents contents)
    : contents_(contents), file_(std::move(file)), index_(std::move(head)), range_(index_.range()) {
  index_.states.clear();
}

Status SnapshotWriter::begin_state(const StateDescriptor& descriptor) {
  if (index_.states.empty()) {
    ByteWriter header;
    header.put_bytes(kMagic);
    header.put_fixed32(static_cast<std::uint32_t>(contents_));
    WEIR_RETURN_IF_ERROR(file_->append(header.view()));
  }
  WEIR_RETURN_IF_ERROR(flush());
  index_.states.push_back({descriptor, 0, {}});
  has_entry_ = false;
  return Status::ok();
}

Status SnapshotWriter::entry(std::uint32_t hash, ByteView key, ByteView value) {
  WEIR_RETURN_IF_ERROR(begin_entry(hash, key));
  if (contents_ == Contents::kChanges) {
    block_.put_varint64(value.size() + 1);
    block_.put_bytes(value);
  } else {
    block_.put_string(value);
  }
  return end_entry();
}

Status SnapshotWriter::erased(std::uint32_t hash, ByteView key) {
  if (contents_ != Contents::kChanges) {
    return StateEntrySink::erased(hash, key);
  }
  WEIR_RETURN_IF_ERROR(begin_entry(hash, key));
  block_.put_varint64(0);
  return end_entry();
}

Status SnapshotWriter::begin_entry(std::uint32_t hash, ByteView key) {
  State& state = index_.states.back();
  if (state.descriptor.distribution == StateDistribution::kKeyed) {
    const bool is_in_order =
        !has_entry_ || std::pair(next_.last_hash, ByteView(last_key_)) < std::pair(hash, key);
    if (!range_.contains(hash) || !is_in_order) {
      return internal_error(fmt::format(
          "state '{}' of operator '{}' gave an entry {}: hash={}", state.descriptor.name,
          index_.id.value(), is_in_order ? "outside its key groups" : "out of order", hash));
    }
    last_key_ = key;
  }
  if (next_.entries == 0) {
    next_.first_hash = hash;
    next_.last_hash = hash;  // the first entry's distance is 0
  }
  block_.put_varint32(hash - next_.last_hash);
  block_.put_string(key);
  next_.last_hash = hash;
  return Status::ok();
}

Status SnapshotWriter::end_entry() {
  has_entry_ = true;
  ++next_.entries;
  ++index_.states.back().entries;
  return block_.size() >= kBlockBytes ? flush() : Status::ok();
}

Status SnapshotWriter::flush() {
  if (next_.entries == 0) {
    return Status::ok();
  }
  next_.offset = file_->size();
  next_.size = block_.size();
  next_.checksum = crc32c(block_.view());
  index_.states.back().blocks.push_back(next_);
  // The last hash stays, to compare the next entry with.
  next_.entries = 0;
  const Status status = file_->append(block_.view());
  block_.clear();
  return status;
}

Result<StateHandle> SnapshotWriter::finish() {
  WEIR_RETURN_IF_ERROR(flush());
  ByteWriter index;
  put_index(index, index_);
  ByteWriter footer;
  footer.put_fixed64(file_->size());
  footer.put_fixed64(index.size());
  footer.put_fixed32(crc32c(index.view()));
  footer.put_bytes(kEndMagic);
  WEIR_RETURN_IF_ERROR(file_->append(index.view()));
  WEIR_RETURN_IF_ERROR(file_->append(footer.view()));
  return file_->finish();
}

}  // namespace weir
