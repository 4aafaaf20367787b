// SPDX-License-Identifier: Apache-2.0
// The binary form of checkpoint metadata; docs/FORMATS.md describes it.
#include "state/snapshot/checkpoint_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace weir {
namespace {

constexpr std::string_view kMagic = "WEIRMETA";
// The second has runs, the third also states with a time-to-live. The oldest that can say it is
// written, so that older builds read what they know.
constexpr std::uint32_t kVersionWithoutRuns = 1;
constexpr std::uint32_t kVersionWithRuns = 2;
constexpr std::uint32_t kVersion = 3;
// Added to the kind of a state with a time-to-live, which then follows its schemas.
constexpr std::uint8_t kTtlFlag = 64;
constexpr std::size_t kHeaderBytes = 12;  // magic and version
constexpr std::size_t kChecksumBytes = 4;

void put_file(ByteWriter& out, const StateFile& file) {
  out.put_string(file.path);
  out.put_string(file.inline_bytes);
  out.put_varint64(file.size);
  out.put_fixed32(file.checksum);
}

StateFile get_file(ByteReader& in) {
  StateFile file;
  file.path = in.get_string();
  file.inline_bytes = in.get_string();
  file.size = in.get_varint64();
  file.checksum = in.get_fixed32();
  return file;
}

void put_handle(ByteWriter& out, const StateHandle& handle, std::uint32_t version) {
  put_file(out, handle);
  if (version == kVersionWithoutRuns) {
    return;
  }
  out.put_varint64(handle.runs.size());
  for (const StateRun& run : handle.runs) {
    put_file(out, run.file);
    out.put_varint64(run.range.first);
    out.put_varint64(run.range.end);
  }
}

StateHandle get_handle(ByteReader& in, std::uint32_t version) {
  StateHandle handle{get_file(in), {}};
  if (version == kVersionWithoutRuns) {
    return handle;
  }
  for (std::uint64_t left = in.get_varint64(); left > 0; --left) {
    StateRun& run = handle.runs.emplace_back();
    run.file = get_file(in);
    run.range.first = in.get_varint64();
    run.range.end = in.get_varint64();
    if (run.range.first >= run.range.end || run.range.end > HashRange{}.end) {
      throw DecodeError("hashes of a run out of range", in.offset());
    }
  }
  return handle;
}

bool has_runs(const CheckpointMetadata& metadata) {
  return std::any_of(
      metadata.operators.begin(), metadata.operators.end(), [](const OperatorCheckpoint& of) {
        return std::any_of(of.subtasks.begin(), of.subtasks.end(),
                           [](const StateHandle& handle) { return !handle.runs.empty(); });
      });
}

bool has_ttl(const CheckpointMetadata& metadata) {
  return std::any_of(
      metadata.operators.begin(), metadata.operators.end(), [](const OperatorCheckpoint& of) {
        return std::any_of(of.states.begin(), of.states.end(),
                           [](const StateDescriptor& state) { return state.ttl.has_value(); });
      });
}

std::uint32_t version_of(const CheckpointMetadata& metadata) {
  return has_ttl(metadata) ? kVersion : has_runs(metadata) ? kVersionWithRuns : kVersionWithoutRuns;
}

template <class Enum>
Enum enum_of(ByteReader& in, std::uint8_t value, Enum last) {
  if (value > static_cast<std::uint8_t>(last)) {
    throw DecodeError("value of an enum out of range", in.offset() - 1);
  }
  return static_cast<Enum>(value);
}
template <class Enum>
Enum get_enum(ByteReader& in, Enum last) {
  return enum_of(in, in.get_u8(), last);
}

CheckpointMetadata get_metadata(ByteReader& in, std::uint32_t version) {
  CheckpointMetadata metadata;
  metadata.job_name = in.get_string();
  metadata.id = CheckpointId{in.get_varint64()};
  metadata.kind = get_enum(in, CheckpointKind::kSavepointStop);
  metadata.attempt = AttemptNumber{in.get_varint32()};
  metadata.triggered_at = ProcessingTime{in.get_zigzag()};
  metadata.completed_at = ProcessingTime{in.get_zigzag()};
  for (std::uint64_t left = in.get_varint64(); left > 0; --left) {
    OperatorCheckpoint& checkpoint = metadata.operators.emplace_back();
    checkpoint.id = OperatorId{std::string(in.get_string())};
    checkpoint.name = in.get_string();
    checkpoint.max_parallelism = MaxParallelism{in.get_varint32()};
    for (std::uint64_t states = in.get_varint64(); states > 0; --states) {
      checkpoint.states.push_back(get_state_descriptor(in));
    }
    for (std::uint64_t subtasks = in.get_varint64(); subtasks > 0; --subtasks) {
      checkpoint.subtasks.push_back(get_handle(in, version));
    }
  }
  if (!in.is_at_end()) {
    throw DecodeError("bytes after the end", in.offset());
  }
  return metadata;
}

}  // namespace

void put_state_descriptor(ByteWriter& out, const StateDescriptor& descriptor) {
  out.put_string(descriptor.name);
  const auto kind = static_cast<std::uint8_t>(descriptor.kind);
  out.put_u8(descriptor.ttl ? static_cast<std::uint8_t>(kind | kTtlFlag) : kind);
  out.put_u8(static_cast<std::uint8_t>(descriptor.distribution));
  out.put_string(descriptor.key_schema);
  out.put_string(descriptor.value_schema);
  if (descriptor.ttl) {
    out.put_varint64(static_cast<std::uint64_t>(descriptor.ttl->count()));
  }
}

StateDescriptor get_state_descriptor(ByteReader& in) {
  StateDescriptor descriptor;
  descriptor.name = in.get_string();
  const std::uint8_t kind = in.get_u8();
  const bool has_ttl = (kind & kTtlFlag) != 0;
  descriptor.kind = enum_of(in, static_cast<std::uint8_t>(kind & ~kTtlFlag),
                            has_ttl ? StateKind::kAggregating : StateKind::kBroadcast);
  descriptor.distribution = get_enum(in, StateDistribution::kBroadcast);
  descriptor.key_schema = in.get_string();
  descriptor.value_schema = in.get_string();
  if (has_ttl) {
    const std::uint64_t millis = in.get_varint64();
    if (millis == 0 || millis > static_cast<std::uint64_t>(Duration::max().count())) {
      throw DecodeError("time-to-live out of range", in.offset());
    }
    descriptor.ttl = Duration(static_cast<std::int64_t>(millis));
  }
  return descriptor;
}

std::string encode_checkpoint_metadata(const CheckpointMetadata& metadata) {
  const std::uint32_t version = version_of(metadata);
  ByteWriter out;
  out.put_bytes(kMagic);
  out.put_fixed32(version);
  out.put_string(metadata.job_name);
  out.put_varint64(metadata.id.value());
  out.put_u8(static_cast<std::uint8_t>(metadata.kind));
  out.put_varint32(metadata.attempt.value());
  out.put_zigzag(metadata.triggered_at.millis());
  out.put_zigzag(metadata.completed_at.millis());
  out.put_varint64(metadata.operators.size());
  for (const OperatorCheckpoint& checkpoint : metadata.operators) {
    out.put_string(checkpoint.id.value());
    out.put_string(checkpoint.name);
    out.put_varint32(checkpoint.max_parallelism.value());
    out.put_varint64(checkpoint.states.size());
    for (const StateDescriptor& descriptor : checkpoint.states) {
      put_state_descriptor(out, descriptor);
    }
    out.put_varint64(checkpoint.subtasks.size());
    for (const StateHandle& handle : checkpoint.subtasks) {
      put_handle(out, handle, version);
    }
  }
  out.put_fixed32(crc32c(out.view()));
  return out.take();
}

Result<CheckpointMetadata> decode_checkpoint_metadata(ByteView bytes) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) {
    return data_loss(fmt::format("truncated: bytes={} offset={}", bytes.size(), bytes.size()));
  }
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return data_loss("not checkpoint metadata: offset=0");
  }
  const std::uint32_t version = ByteReader(bytes.substr(kMagic.size())).get_fixed32();
  const std::size_t end = bytes.size() - kChecksumBytes;
  // A flipped version is damage; one from the future has a checksum that holds.
  if (ByteReader(bytes.substr(end)).get_fixed32() != crc32c(bytes.substr(0, end))) {
    return data_loss(fmt::format("the checksum differs: offset={}", end));
  }
  if (version < kVersionWithoutRuns || version > kVersion) {
    return Status(StatusCode::kUnimplemented,
                  fmt::format("format version {} is not known to this build: version_max={}",
                              version, kVersion),
                  ErrorDomain::kUser, RetryHint::kNo);
  }
  try {
    ByteReader in(bytes.substr(kHeaderBytes, end - kHeaderBytes));
    return get_metadata(in, version);
  } catch (const DecodeError& error) {
    return data_loss(
        fmt::format("{}, after a header of {} bytes", error.status().message(), kHeaderBytes));
  }
}

}  // namespace weir
