// SPDX-License-Identifier: Apache-2.0
// Checkpoint metadata: what is encoded comes back, and what is damaged is refused.
#include "state/snapshot/checkpoint_metadata.h"

#include <gtest/gtest.h>

#include <string>

#include "base/crc32c.h"
#include "base/rng.h"

namespace weir {
namespace {

std::string random_text(Rng& rng) {
  std::string text(rng.uniform(30), ' ');
  for (char& c : text) {
    c = static_cast<char>(rng.next());
  }
  return text;
}

CheckpointMetadata random_metadata(std::uint64_t seed) {
  Rng rng(seed);
  CheckpointMetadata metadata;
  metadata.job_name = random_text(rng);
  metadata.id = CheckpointId{rng.next()};
  metadata.kind = rng.chance(0.5) ? CheckpointKind::kFinal : CheckpointKind::kCheckpoint;
  metadata.attempt = AttemptNumber{static_cast<std::uint32_t>(rng.next())};
  metadata.triggered_at = ProcessingTime{static_cast<std::int64_t>(rng.next())};
  metadata.completed_at = ProcessingTime{static_cast<std::int64_t>(rng.next())};
  for (std::uint64_t operators = rng.uniform(4); operators > 0; --operators) {
    OperatorCheckpoint& checkpoint = metadata.operators.emplace_back();
    checkpoint.id = OperatorId{random_text(rng)};
    checkpoint.name = random_text(rng);
    checkpoint.max_parallelism = MaxParallelism{static_cast<std::uint32_t>(rng.uniform(32769))};
    for (std::uint64_t states = rng.uniform(4); states > 0; --states) {
      checkpoint.states.push_back({random_text(rng), static_cast<StateKind>(rng.uniform(9)),
                                   static_cast<StateDistribution>(rng.uniform(3)), random_text(rng),
                                   random_text(rng)});
      StateDescriptor& state = checkpoint.states.back();
      if (seed % 3 == 0 && state.kind <= StateKind::kAggregating) {  // else the format is older
        state.ttl = Duration(static_cast<std::int64_t>(1 + rng.next() / 2));
      }
    }
    for (std::uint64_t subtasks = rng.uniform(4); subtasks > 0; --subtasks) {
      const auto random_file = [&rng] {
        return StateFile{random_text(rng), random_text(rng), rng.next(),
                         static_cast<std::uint32_t>(rng.next())};
      };
      StateHandle& handle = checkpoint.subtasks.emplace_back(StateHandle{random_file(), {}});
      if (seed % 2 == 0) continue;  // without runs the format is the first
      for (std::uint64_t runs = rng.uniform(3); runs > 0; --runs) {
        const std::uint64_t first = rng.uniform(1000);
        handle.runs.push_back({random_file(), {first, first + 1 + rng.uniform(1000)}});
      }
    }
  }
  return metadata;
}

TEST(CheckpointMetadataTest, WhatIsEncodedComesBack) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const CheckpointMetadata metadata = random_metadata(seed);
    const auto decoded = decode_checkpoint_metadata(encode_checkpoint_metadata(metadata));
    ASSERT_TRUE(decoded.is_ok()) << decoded.status().to_string();
    ASSERT_EQ(*decoded, metadata);
  }
}

TEST(CheckpointMetadataTest, EveryFlippedBitIsDataLoss) {
  const std::string bytes = encode_checkpoint_metadata(random_metadata(3));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1U << (bit % 8));
    const Status status = decode_checkpoint_metadata(damaged).status();
    ASSERT_EQ(status.code(), StatusCode::kDataLoss) << bit;
    ASSERT_NE(status.message().find("offset="), std::string::npos);
  }
}

TEST(CheckpointMetadataTest, EveryTruncationAndAdditionIsDataLoss) {
  const std::string bytes = encode_checkpoint_metadata(random_metadata(3));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_EQ(decode_checkpoint_metadata(bytes.substr(0, length)).status().code(),
              StatusCode::kDataLoss);
  }
  EXPECT_EQ(decode_checkpoint_metadata(bytes + "x").status().code(), StatusCode::kDataLoss);
}

TEST(CheckpointMetadataTest, WhatOlderVersionsCanSayIsWrittenAsSuch) {
  CheckpointMetadata metadata;
  metadata.operators.push_back(
      {OperatorId{"op"}, "op", MaxParallelism{128}, {StateDescriptor{}}, {StateHandle{}}});
  const auto version = [&] { return static_cast<int>(encode_checkpoint_metadata(metadata)[8]); };
  EXPECT_EQ(version(), 1);
  metadata.operators[0].subtasks[0].runs.push_back({{}, {0, 1}});
  EXPECT_EQ(version(), 2);
  metadata.operators[0].states[0].ttl = Duration(5);
  EXPECT_EQ(version(), 3);
  metadata.operators[0].subtasks.clear();
  EXPECT_EQ(version(), 3);
}

TEST(CheckpointMetadataTest, ANewerVersionIsRefusedAsSuch) {
  std::string bytes = encode_checkpoint_metadata(random_metadata(3));
  bytes[8] = 4;
  bytes.resize(bytes.size() - 4);
  ByteWriter checksum;
  checksum.put_fixed32(crc32c(bytes));
  bytes += checksum.view();
  EXPECT_EQ(decode_checkpoint_metadata(bytes).status().code(), StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace weir
