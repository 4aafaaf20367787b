// SPDX-License-Identifier: Apache-2.0
// Everything comes in as sorted files, without a log; nothing is ever written key by key.
#include "state/rocksdb/rocksdb_floor.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t kStateBytes = 2;
constexpr std::size_t kPrefixBytes = kStateBytes + 4;  // and the hash

void put_big_endian(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}
std::uint32_t get_hash(const rocksdb::Slice& key) {
  std::uint32_t hash = 0;
  for (std::size_t i = kStateBytes; i < kPrefixBytes; ++i) {
    hash = hash << 8 | static_cast<unsigned char>(key[i]);
  }
  return hash;
}
std::string stored_key(std::uint16_t state, std::uint32_t hash, ByteView key) {
  std::string stored;
  stored.reserve(kPrefixBytes + key.size());
  put_big_endian(stored, state, kStateBytes);
  put_big_endian(stored, hash, 4);
  stored += key;
  return stored;
}
rocksdb::Slice slice(ByteView bytes) { return {bytes.data(), bytes.size()}; }
ByteView view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

Status status_of(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) {
    return Status::ok();
  }
  const std::string message = fmt::format("{}: {}", what, status.ToString());
  if (status.IsNoSpace()) return resource_exhausted(message);
  return status.IsCorruption() ? data_loss(message) : unavailable(message);
}

// Writes the entries of one state behind those of the states before.
class SstSink final : public StateEntrySink {
 public:
  SstSink(rocksdb::SstFileWriter& file, std::uint16_t state) : file_(file), state_(state) {}
  bool has_entries() const { return has_entries_; }
  Status entry(std::uint32_t hash, ByteView key, ByteView value) override {
    has_entries_ = true;
    return status_of(file_.Put(stored_key(state_, hash, key), slice(value)),
                     "writing state for RocksDB");
  }
  Status erased(std::uint32_t hash, ByteView key) override {
    has_entries_ = true;
    return status_of(file_.Delete(stored_key(state_, hash, key)), "writing state for RocksDB");
  }

 private:
  rocksdb::SstFileWriter& file_;
  const std::uint16_t state_;
  bool has_entries_ = false;
};

}  // namespace

struct RocksDbMemory::Shared {
  std::shared_ptr<rocksdb::Cache> cache;
};

RocksDbMemory::RocksDbMemory(std::uint64_t bytes)
    // Not strict: a full strict cache fails reads.
    : shared_(std::make_unique<Shared>(Shared{rocksdb::NewLRUCache(bytes, -1, false, 0.5)})) {}
RocksDbMemory::~RocksDbMemory() = default;
std::uint64_t RocksDbMemory::used_bytes() const { return shared_->cache->GetUsage(); }

struct RocksDbFloor::Database {
  rocksdb::Options options;
  std::string directory;
  std::unique_ptr<rocksdb::DB> db;
  std::atomic<std::uint64_t> files_written{0};
};

RocksDbFloor::RocksDbFloor(std::unique_ptr<Database> database) : database_(std::move(database)) {}

RocksDbFloor::~RocksDbFloor() {
  database_->db.reset();
  (void)rocksdb::DestroyDB(database_->directory, database_->options);
}

Result<std::unique_ptr<RocksDbFloor>> RocksDbFloor::open(const std::string& directory,
                                                         RocksDbMemory& memory) {
  auto database = std::make_unique<Database>();
  database->directory = directory;
  rocksdb::Options& options = database->options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  options.max_open_files = 256;
  // All that comes in was sorted for it: never hold it up.
  options.level0_slowdown_writes_trigger = 1000;
  options.level0_stop_writes_trigger = 1000;
  // What comes in covers all keys: levels would write the whole database again for every few files.
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.level0_file_num_compaction_trigger = 6;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = std::size_t{1} << 20;  // stays empty
  options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kPrefixBytes));
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = memory.shared_->cache;
  table.cache_index_and_filter_blocks = true;
  // In parts, of which those in use stay: as a whole they would not fit beside the blocks.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_top_level_index_and_filter = true;
  table.block_size = std::size_t{4} * 1024;
  // The hash nearly is the key: a filter of prefixes serves single keys as well.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = false;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  WEIR_RETURN_IF_ERROR(status_of(rocksdb::DestroyDB(directory, options),
                                 fmt::format("clearing RocksDB in '{}'", directory)));
  rocksdb::DB* db = nullptr;
  WEIR_RETURN_IF_ERROR(status_of(rocksdb::DB::Open(options, directory, &db),
                                 fmt::format("opening RocksDB in '{}'", directory)));
  database->db.reset(db);
  return std::unique_ptr<RocksDbFloor>(new RocksDbFloor(std::move(database)));
}

Status RocksDbFloor::ingest(std::uint16_t state, ChangeBuffer& changes, bool is_erased_only) {
  if (changes.empty() || (is_erased_only && !changes.has_erased())) {
    return Status::ok();
  }
  const std::string path =
      fmt::format("{}/run-{}.sst", database_->directory, ++database_->files_written);
  rocksdb::SstFileWriter file(rocksdb::EnvOptions(), database_->options);
  WEIR_RETURN_IF_ERROR(status_of(file.Open(path), "opening '" + path + "'"));
  SstSink sink(file, state);
  WEIR_RETURN_IF_ERROR(is_erased_only ? changes.write_erased(sink) : changes.write(sink));
  if (!sink.has_entries()) {
    return status_of(rocksdb::Env::Default()->DeleteFile(path), "deleting '" + path + "'");
  }
  WEIR_RETURN_IF_ERROR(status_of(file.Finish(), "writing '" + path + "'"));
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  return status_of(database_->db->IngestExternalFile({path}, options), "taking in '" + path + "'");
}

Status RocksDbFloor::load(std::uint16_t state, std::span<const StoredKey> keys,
                          const std::function<Status(std::size_t, ByteView)>& f) const {
  std::vector<std::string> stored;
  std::vector<rocksdb::Slice> slices;
  stored.reserve(keys.size());
  for (const StoredKey& key : keys) {
    stored.push_back(stored_key(state, key.hash, key.bytes));
    slices.emplace_back(stored.back());
  }
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  database_->db->MultiGet(rocksdb::ReadOptions(), database_->db->DefaultColumnFamily(), keys.size(),
                          slices.data(), values.data(), statuses.data());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      continue;
    }
    WEIR_RETURN_IF_ERROR(status_of(statuses[i], "reading state from RocksDB"));
    WEIR_RETURN_IF_ERROR(f(i, view(values[i])));
  }
  return Status::ok();
}

Status RocksDbFloor::load_all(std::uint16_t state, const StoredKey& key,
                              const EntryFunction& f) const {
  const std::string start = stored_key(state, key.hash, key.bytes);
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;
  const std::unique_ptr<rocksdb::Iterator> each(database_->db->NewIterator(options));
  for (each->Seek(start); each->Valid() && each->key().starts_with(start); each->Next()) {
    WEIR_RETURN_IF_ERROR(f(key.hash, view(each->key()).substr(kPrefixBytes), view(each->value())));
  }
  return status_of(each->status(), "reading state from RocksDB");
}

class RocksDbFloor::DatabaseSnapshot final : public Snapshot {
 public:
  explicit DatabaseSnapshot(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  ~DatabaseSnapshot() override { db_.ReleaseSnapshot(snapshot_); }
  DatabaseSnapshot(const DatabaseSnapshot&) = delete;
  DatabaseSnapshot& operator=(const DatabaseSnapshot&) = delete;

  Status scan(std::uint16_t state, HashRange range, const EntryFunction& f) const override {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    options.total_order_seek = true;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> each(db_.NewIterator(options));
    std::string of_state;
    put_big_endian(of_state, state, kStateBytes);
    each->Seek(stored_key(state, static_cast<std::uint32_t>(range.first), {}));
    for (; each->Valid() && each->key().starts_with(of_state); each->Next()) {
      const std::uint32_t hash = get_hash(each->key());
      if (hash >= range.end) {
        break;
      }
      WEIR_RETURN_IF_ERROR(f(hash, view(each->key()).substr(kPrefixBytes), view(each->value())));
    }
    return status_of(each->status(), "reading state from RocksDB");
  }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* const snapshot_;
};

std::unique_ptr<StateFloor::Snapshot> RocksDbFloor::snapshot() const {
  return std::make_unique<DatabaseSnapshot>(*database_->db);
}

}  // namespace weir
