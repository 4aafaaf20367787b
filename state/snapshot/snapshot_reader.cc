// SPDX-License-Identifier: Apache-2.0
// Checks come before use: no entry is handed out of a block whose checksum was not compared.
#include "state/snapshot/snapshot_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crc32c.h"

namespace weir {

using namespace snapshot_format;

SnapshotReader::SnapshotReader(FileStore& files, StateFile file)
    : files_(files),
      stored_(std::move(file)),
      name_(stored_.is_inline() ? "snapshot inside the metadata"
                                : "snapshot '" + stored_.path + "'") {}

Status SnapshotReader::damaged(std::string_view what, std::uint64_t offset) const {
  return data_loss(fmt::format("{} is damaged: {}: offset={}", name_, what, offset));
}

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::open(FileStore& files, StateFile file) {
  std::unique_ptr<SnapshotReader> reader(new SnapshotReader(files, std::move(file)));
  WEIR_RETURN_IF_ERROR(reader->open_content());
  WEIR_RETURN_IF_ERROR(reader->read_index());
  return reader;
}

Status SnapshotReader::open_content() {
  std::uint64_t size = stored_.inline_bytes.size();
  if (!stored_.is_inline()) {
    Result<std::unique_ptr<ReadableFile>> file = files_.open(stored_.path);
    if (file.status().code() == StatusCode::kNotFound) {
      return data_loss(file.status().message());
    }
    WEIR_ASSIGN_OR_RETURN(file_, std::move(file));
    size = file_->size();
  }
  if (size != stored_.size) {
    return damaged(fmt::format("{} bytes, {} were recorded", size, stored_.size),
                   std::min(size, stored_.size));
  }
  return Status::ok();
}

Result<std::string> SnapshotReader::bytes_at(std::uint64_t offset, std::uint64_t size) const {
  if (offset > stored_.size || size > stored_.size - offset) {
    return damaged("it refers past its end", offset);
  }
  if (file_ == nullptr) {
    return stored_.inline_bytes.substr(offset, size);
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  WEIR_ASSIGN_OR_RETURN(const std::size_t length,
                        file_->read_at(offset, bytes.data(), bytes.size()));
  if (length != size) {
    return damaged("it ends early", offset + length);
  }
  return bytes;
}

Status SnapshotReader::read_index() {
  if (stored_.size < kHeaderBytes + kFooterBytes) {
    return damaged("it is too short", stored_.size);
  }
  WEIR_ASSIGN_OR_RETURN(const std::string header, bytes_at(0, kHeaderBytes));
  if (!header.starts_with(kMagic)) {
    return damaged("it does not begin as a snapshot does", 0);
  }
  const std::uint32_t version = ByteReader(ByteView(header).substr(kMagic.size())).get_fixed32();
  contents_ = static_cast<Contents>(version);
  if (contents_ != Contents::kAll && contents_ != Contents::kChanges) {
    // Whether it is damage or the future, only the whole checksum tells.
    WEIR_RETURN_IF_ERROR(verify_all());
    return Status(
        StatusCode::kUnimplemented,
        fmt::format("{} has format version {}, which is not known to this build", name_, version),
        ErrorDomain::kUser, RetryHint::kNo);
  }
  const std::uint64_t footer_offset = stored_.size - kFooterBytes;
  WEIR_ASSIGN_OR_RETURN(const std::string footer, bytes_at(footer_offset, kFooterBytes));
  ByteReader in(footer);
  const std::uint64_t index_offset = in.get_fixed64();
  const std::uint64_t index_size = in.get_fixed64();
  const std::uint32_t index_checksum = in.get_fixed32();
  if (in.rest() != kEndMagic || index_offset > footer_offset ||
      index_size != footer_offset - index_offset) {
    return damaged("its footer is wrong", footer_offset);
  }
  WEIR_ASSIGN_OR_RETURN(const std::string index, bytes_at(index_offset, index_size));
  if (crc32c(index) != index_checksum) {
    return damaged("the checksum of its index differs", index_offset);
  }
  try {
    index_ = get_index(index);
  } catch (const DecodeError& error) {
    return damaged(error.status().message(), index_offset);
  }
  return Status::ok();
}

Status SnapshotReader::verify_all() const {
  constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20;
  std::uint32_t checksum = 0;
  for (std::uint64_t offset = 0; offset < stored_.size; offset += kPieceBytes) {
    WEIR_ASSIGN_OR_RETURN(const std::string piece,
                          bytes_at(offset, std::min(kPieceBytes, stored_.size - offset)));
    checksum = crc32c(piece, checksum);
  }
  if (checksum == stored_.checksum) {
    return Status::ok();
  }
  // A block says more exactly where.
  for (const State& state : index_.states) {
    WEIR_RETURN_IF_ERROR(verify(state));
  }
  return damaged("the checksum of the whole differs", 0);
}

Status SnapshotReader::verify(const State& state) const {
  for (const Block& block : state.blocks) {
    WEIR_RETURN_IF_ERROR(read_block(block).status());
  }
  return Status::ok();
}

Result<std::string> SnapshotReader::read_block(const Block& block) const {
  WEIR_ASSIGN_OR_RETURN(std::string bytes, bytes_at(block.offset, block.size));
  if (crc32c(bytes) != block.checksum) {
    return damaged("the checksum of a block differs", block.offset);
  }
  return bytes;
}

Status SnapshotReader::read(const State& state, HashRange range, const EntryFunction& f) const {
  if (is_run()) {
    return internal_error(name_ + " holds changes, and is read as if it were whole");
  }
  SnapshotCursor cursor(*this, state, range);
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const bool is_there, cursor.next());
    if (!is_there) {
      return Status::ok();
    }
    f(cursor.hash(), cursor.key(), cursor.value());
  }
}

Result<bool> SnapshotCursor::next_block() {
  if (!in_.is_at_end()) {
    return reader_.damaged("bytes after the entries of a block", offset_ + in_.offset());
  }
  if (hash_ != last_hash_) {
    return reader_.damaged("a block does not end with the hash that it names", offset_);
  }
  for (; next_block_ < state_.blocks.size(); ++next_block_) {
    const Block& block = state_.blocks[next_block_];
    if (block.first_hash < range_.end && block.last_hash >= range_.first) {
      WEIR_ASSIGN_OR_RETURN(bytes_, reader_.read_block(block));
      in_ = ByteReader(bytes_);
      offset_ = block.offset;
      hash_ = block.first_hash;
      last_hash_ = block.last_hash;
      left_ = block.entries;
      ++next_block_;
      return true;
    }
  }
  in_ = ByteReader(ByteView());
  return false;
}

Result<bool> SnapshotCursor::next() {
  while (left_ == 0) {
    WEIR_ASSIGN_OR_RETURN(const bool is_there, next_block());
    if (!is_there) {
      return false;
    }
  }
  --left_;
  const std::uint64_t offset = offset_ + in_.offset();
  try {
    hash_ += in_.get_varint32();
    key_ = in_.get_string();
    if (reader_.is_run()) {
      const std::uint64_t tag = in_.get_varint64();
      is_erased_ = tag == 0;
      value_ = is_erased_ ? ByteView() : in_.get_bytes(tag - 1);
    } else {
      value_ = in_.get_string();
    }
  } catch (const DecodeError& error) {
    return reader_.damaged(error.status().message(), offset);
  }
  if (state_.descriptor.distribution == StateDistribution::kKeyed &&
      !reader_.index_.range().contains(hash_)) {
    return reader_.damaged("an entry lies outside the key groups of its subtask", offset);
  }
  return true;
}

}  // namespace weir
