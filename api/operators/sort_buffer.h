// SPDX-License-Identifier: Apache-2.0
// SortBuffer: records that wait for the watermark, in buckets of event time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/shared_ref.h"
#include "core/state_table.h"
#include "core/state_text.h"
#include "types/key_codec.h"
#include "types/schema.h"
#include "types/serializer.h"

namespace weir::detail {

/// A record that waits.
template <class T>
struct WaitingRow {
  EventTime time;
  std::uint32_t hash;  ///< of its key
  T row;
};

/// Orders by event time, then by hash of the key, then by the encoded record: an order that does
/// not depend on arrival.
template <class T>
bool waits_before(const WaitingRow<T>& a, const WaitingRow<T>& b) {
  if (a.time != b.time) return a.time < b.time;
  if (a.hash != b.hash) return a.hash < b.hash;
  ByteWriter left;
  ByteWriter right;
  Serializer<T>::encode(left, a.row);
  Serializer<T>::encode(right, b.row);
  return left.view() < right.view();
}

/// Holds records until the watermark has passed them.
///
/// Rows lie in chunks that are never changed once a snapshot may hold them: a freeze copies the
/// list of chunks and closes the open ones. In a snapshot an entry's key is the event time and a
/// number that tells rows of one hash and time apart; its value is the row.
///
/// Thread: the subtask's; a frozen state is written by any.
template <class T>
class SortBuffer final : public StateTable {
 public:
  using Row = WaitingRow<T>;

  static StateDescriptor describe() {
    return {"buffer",
            StateKind::kBuffer,
            StateDistribution::kKeyed,
            schema_text<std::pair<std::int64_t, std::uint32_t>>(),
            schema_text<T>(),
            &type_info<T>()};
  }

  void add(const T& row, EventTime time, std::uint32_t hash) {
    append(buckets_[bucket_of(time)], Row{time, hash, row});
    ++size_;
  }

  /// Takes the next rows up to `watermark` out of the buffer, in order; some thousand at most
  /// unless that many lie within a quarter of a second. Empty when there are none. The rows stay
  /// readable until the next call.
  const std::vector<const Row*>& take(EventTime watermark);

  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId) override {
    auto frozen = std::make_unique<Frozen>();
    for (auto& [number, bucket] : buckets_) {
      bucket.is_open = false;
      frozen->chunks.insert(frozen->chunks.end(), bucket.chunks.begin(), bucket.chunks.end());
    }
    return frozen;
  }
  void restore(std::uint32_t hash, ByteView key, ByteView value) override {
    ArenaList arenas;
    TextMaker text(arenas, 64);
    ByteReader key_in(key);
    const EventTime time{decode_key<std::int64_t>(key_in, text)};
    ByteReader value_in(value);
    add(Serializer<T>::decode(value_in, text), time, hash);
    if (!value_in.is_at_end()) {
      throw DecodeError("bytes after a waiting record", value_in.offset());
    }
  }
  std::size_t memory_bytes() const override { return size_ * sizeof(Row) + text_bytes(); }
  std::size_t entry_count() const override { return size_; }

 private:
  struct Chunk final : SharedBody {
    static constexpr std::size_t kRows = std::clamp<std::size_t>(16384 / sizeof(Row), 8, 256);
    std::vector<Row> rows;
    StateTextFor<T> text;
  };
  struct Bucket {
    std::vector<SharedRef<Chunk>> chunks;
    bool is_open = false;  // the last chunk may take more rows
  };
  struct Frozen;

  // A power of two near a quarter of a second.
  static constexpr int kBucketBits = 8;
  static std::int64_t bucket_of(EventTime time) { return time.millis() >> kBucketBits; }

  static void append(Bucket& bucket, Row row) {
    if (!bucket.is_open || bucket.chunks.back()->rows.size() == Chunk::kRows) {
      bucket.chunks.push_back(SharedRef<Chunk>::make());
      bucket.chunks.back()->rows.reserve(Chunk::kRows);
      bucket.is_open = true;
    }
    Chunk& chunk = *bucket.chunks.back();
    chunk.rows.push_back(std::move(row));
    chunk.text.keep(chunk.rows.back().row);
  }
  std::size_t text_bytes() const {
    std::size_t sum = 0;
    for (const auto& [number, bucket] : buckets_) {
      for (const SharedRef<Chunk>& chunk : bucket.chunks) sum += chunk->text.bytes();
    }
    return sum;
  }

  StateDescriptor descriptor_ = describe();
  std::map<std::int64_t, Bucket> buckets_;
  std::size_t size_ = 0;
  // What `take` returned last, and what keeps it readable.
  std::vector<const Row*> taken_;
  std::vector<SharedRef<Chunk>> taken_chunks_;
};

// Implementation details follow.

template <class T>
auto SortBuffer<T>::take(EventTime watermark) -> const std::vector<const Row*>& {
  taken_.clear();
  taken_chunks_.clear();
  if (buckets_.empty() || buckets_.begin()->first > bucket_of(watermark)) return taken_;
  auto node = buckets_.extract(buckets_.begin());
  taken_chunks_ = std::move(node.mapped().chunks);
  Bucket rest;
  for (const SharedRef<Chunk>& chunk : taken_chunks_) {
    for (const Row& row : chunk->rows) {
      if (row.time <= watermark) {
        taken_.push_back(&row);
      } else {
        append(rest, row);
      }
    }
  }
  if (!rest.chunks.empty()) buckets_[node.key()] = std::move(rest);
  size_ -= taken_.size();
  std::sort(taken_.begin(), taken_.end(),
            [](const Row* a, const Row* b) { return waits_before(*a, *b); });
  return taken_;
}

template <class T>
struct SortBuffer<T>::Frozen final : FrozenState {
  Status write(StateEntrySink& sink) override {
    std::vector<const Row*> rows;
    for (const SharedRef<Chunk>& chunk : chunks) {
      for (const Row& row : chunk->rows) rows.push_back(&row);
    }
    std::sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) {
      return std::tie(a->hash, a->time) < std::tie(b->hash, b->time);
    });
    std::string key;
    ByteWriter value;
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool is_tied = i > 0 && rows[i]->hash == rows[i - 1]->hash &&
                           rows[i]->time == rows[i - 1]->time;
      number = is_tied ? number + 1 : 0;
      key.clear();
      encode_key(key, rows[i]->time.millis());
      encode_key(key, number);
      value.clear();
      Serializer<T>::encode(value, rows[i]->row);
      WEIR_RETURN_IF_ERROR(sink.entry(rows[i]->hash, key, value.view()));
    }
    chunks.clear();
    return Status::ok();
  }

  std::vector<SharedRef<Chunk>> chunks;
};

}  // namespace weir::detail
