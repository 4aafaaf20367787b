// SPDX-License-Identifier: Apache-2.0
// The index of a snapshot as bytes.
#include "state/snapshot/snapshot_format.h"

#include "state/snapshot/checkpoint_metadata.h"

namespace weir::snapshot_format {
namespace {

void put_block(ByteWriter& out, const Block& block) {
  out.put_fixed32(block.first_hash);
  out.put_fixed32(block.last_hash);
  out.put_varint64(block.entries);
  out.put_varint64(block.offset);
  out.put_varint64(block.size);
  out.put_fixed32(block.checksum);
}

Block get_block(ByteReader& in) {
  Block block;
  block.first_hash = in.get_fixed32();
  block.last_hash = in.get_fixed32();
  block.entries = in.get_varint64();
  block.offset = in.get_varint64();
  block.size = in.get_varint64();
  block.checksum = in.get_fixed32();
  return block;
}

}  // namespace

const State* Index::find(std::string_view name) const {
  for (const State& state : states) {
    if (state.descriptor.name == name) {
      return &state;
    }
  }
  return nullptr;
}

void put_index(ByteWriter& out, const Index& index) {
  out.put_string(index.id.value());
  out.put_varint64(index.checkpoint.value());
  out.put_varint32(index.subtask.value());
  out.put_varint32(index.parallelism.value());
  out.put_varint32(index.max_parallelism.value());
  out.put_string(kHashName);
  out.put_varint64(index.states.size());
  for (const State& state : index.states) {
    put_state_descriptor(out, state.descriptor);
    out.put_varint64(state.entries);
    out.put_varint64(state.blocks.size());
    for (const Block& block : state.blocks) {
      put_block(out, block);
    }
  }
}

Index get_index(ByteView bytes) {
  ByteReader in(bytes);
  Index index;
  index.id = OperatorId{std::string(in.get_string())};
  index.checkpoint = CheckpointId{in.get_varint64()};
  index.subtask = SubtaskIndex{in.get_varint32()};
  index.parallelism = Parallelism{in.get_varint32()};
  index.max_parallelism = MaxParallelism{in.get_varint32()};
  const std::uint32_t parallelism = index.parallelism.value();
  if (index.max_parallelism.value() > kMaxParallelismLimit ||
      parallelism > index.max_parallelism.value() || index.subtask.value() >= parallelism) {
    throw DecodeError("parallelism out of range", in.offset());
  }
  if (in.get_string() != kHashName) {
    throw DecodeError("unknown key hash", in.offset());
  }
  for (std::uint64_t states = in.get_varint64(); states > 0; --states) {
    State& state = index.states.emplace_back();
    state.descriptor = get_state_descriptor(in);
    state.entries = in.get_varint64();
    for (std::uint64_t blocks = in.get_varint64(); blocks > 0; --blocks) {
      state.blocks.push_back(get_block(in));
    }
  }
  if (!in.is_at_end()) {
    throw DecodeError("bytes after the index", in.offset());
  }
  return index;
}

}  // namespace weir::snapshot_format
