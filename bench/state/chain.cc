// SPDX-License-Identifier: Apache-2.0
// One table, a backend and real files; bytes are counted as they are written.
#include "bench/state/chain.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/posix_file_store.h"
#include "base/rng.h"
#include "bench/state/account.h"
#include "core/keyed_table.h"
#include "state/heap/heap_state_backend.h"
#include "state/incremental/incremental_state_backend.h"
#include "state/snapshot/directory_checkpoint_storage.h"

namespace weir::bench {
namespace {

namespace fs = std::filesystem;
using Table = KeyedTable<std::int64_t, Account>;

constexpr std::string_view kJob = "chain";

StateDescriptor descriptor() {
  return {"account",
          StateKind::kValue,
          StateDistribution::kKeyed,
          schema_text<std::int64_t>(),
          schema_text<Account>(),
          &type_info<Account>()};
}

/// Passes writes on; of the runs of one checkpoint the first is what changed, others are merges.
class CountingWriter final : public CheckpointWriter {
 public:
  explicit CountingWriter(std::unique_ptr<CheckpointWriter> inner) : inner_(std::move(inner)) {}
  Result<std::unique_ptr<SnapshotFile>> create(const std::string& name) override {
    return inner_->create(name);
  }
  Result<std::unique_ptr<SnapshotFile>> create_run(const std::string& name) override {
    WEIR_ASSIGN_OR_RETURN(auto file, inner_->create_run(name));
    sizes_.push_back(std::make_shared<std::uint64_t>(0));
    return std::unique_ptr<SnapshotFile>(std::make_unique<File>(std::move(file), sizes_.back()));
  }
  std::uint64_t changed() const { return sizes_.empty() ? 0 : *sizes_.front(); }
  std::uint64_t merged() const {
    std::uint64_t sum = 0;
    for (const auto& size : sizes_) sum += *size;
    return sum - changed();
  }

 private:
  class File final : public SnapshotFile {
   public:
    File(std::unique_ptr<SnapshotFile> inner, std::shared_ptr<std::uint64_t> size)
        : inner_(std::move(inner)), size_(std::move(size)) {}
    Status append(ByteView bytes) override {
      *size_ += bytes.size();
      return inner_->append(bytes);
    }
    std::uint64_t size() const override { return inner_->size(); }
    Result<StateHandle> finish() override { return inner_->finish(); }

   private:
    const std::unique_ptr<SnapshotFile> inner_;
    const std::shared_ptr<std::uint64_t> size_;
  };

  const std::unique_ptr<CheckpointWriter> inner_;
  std::vector<std::shared_ptr<std::uint64_t>> sizes_;
};

double thread_milliseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

/// Files that the runs of a checkpoint refer to, each once.
std::uint64_t storage_of(const StateHandle& handle) {
  std::map<std::string, std::uint64_t> files;
  for (const StateRun& run : handle.runs) files[run.file.path] = run.file.size;
  std::uint64_t sum = 0;
  for (const auto& [path, size] : files) sum += size;
  return sum;
}

class Chain {
 public:
  explicit Chain(const ChainOptions& options) : options_(options) {}

  void run() {
    fs::remove_all(options_.directory);
    auto opened = DirectoryCheckpointStorage::open(files_, options_.directory, std::string(kJob));
    throw_if_error(opened.status());
    storage_ = std::move(*opened);
    IncrementalStateBackend backend(files_);
    auto state = open(backend, {});
    Table table(descriptor());
    state->add(table);
    for (std::uint64_t key = 0; key < options_.keys; ++key) touch(table, key);
    take(*state);
    const std::uint64_t live = storage_of(handle_);
    std::uint64_t changed = 0;
    std::uint64_t merged = 0;
    std::uint64_t storage_max = 0;
    const auto changes =
        static_cast<std::uint64_t>(static_cast<double>(options_.keys) * options_.changed);
    for (int i = 0; i < options_.checkpoints; ++i) {
      for (std::uint64_t n = 0; n < changes; ++n) touch(table, rng_.uniform(options_.keys));
      state->tidy();
      const auto [of_changes, of_merges] = take(*state);
      changed += of_changes;
      merged += of_merges;
      storage_max = std::max(storage_max, storage_of(handle_));
      if (handle_.runs.size() > longest_.runs.size()) keep_longest();
    }
    // What a change is at least: its entry, as it stands in a full snapshot.
    const double entry = static_cast<double>(live) / static_cast<double>(options_.keys);
    const double least = entry * static_cast<double>(changes) * options_.checkpoints;
    fmt::print("live state {} MB; {} checkpoints, {:.1f} % of the keys changed before each\n",
               live >> 20, options_.checkpoints, options_.changed * 100);
    fmt::print(
        "written for changes {} MB, {:.2f} times the changed bytes; for merges {} MB, "
        "{:.2f} times\n",
        changed >> 20, static_cast<double>(changed) / least, merged >> 20,
        static_cast<double>(merged) / least);
    fmt::print("storage at most {} MB, {:.2f} times the live state\n", storage_max >> 20,
               static_cast<double>(storage_max) / static_cast<double>(live));
    std::sort(freezes_.begin(), freezes_.end());
    fmt::print("frozen in median {:.2f} ms, maximum {:.2f} ms of processor time\n",
               freezes_[freezes_.size() / 2], freezes_.back());
    compare_restores(*state, table);
  }

 private:
  static void touch(Table& table, std::uint64_t key) {
    const auto id = static_cast<std::int64_t>(key);
    table.update(id, key_hash(id), [](Account& account) { ++account.count; });
  }
  static std::unique_ptr<OperatorStateBackend> open(StateBackend& backend,
                                                    std::vector<StateHandle> restores,
                                                    const std::string& directory = {}) {
    auto state = backend.open({.id = OperatorId{"op"},
                               .subtask = SubtaskIndex{0},
                               .parallelism = Parallelism{1},
                               .max_parallelism = MaxParallelism{128},
                               .restores = std::move(restores),
                               .checkpoint_directory = directory});
    throw_if_error(state.status());
    return std::move(*state);
  }

  // Returns the bytes of changes and of merges.
  std::pair<std::uint64_t, std::uint64_t> take(OperatorStateBackend& state,
                                               CheckpointKind kind = CheckpointKind::kCheckpoint) {
    const CheckpointId id{++last_id_};
    throw_if_error(storage_->begin(id));
    CountingWriter writer(open_checkpoint_writer(files_, storage_->directory(), id));
    const double before = thread_milliseconds();
    const auto frozen = state.freeze(CheckpointBarrier{.id = id, .kind = kind});
    freezes_.push_back(thread_milliseconds() - before);
    auto written = frozen->write(writer, "op-" + std::to_string(last_id_));
    throw_if_error(written.status());
    (kind == CheckpointKind::kCheckpoint ? handle_ : whole_) = *written;
    return {writer.changed(), writer.merged()};
  }
  // Copies, for the files of the longest chain may be gone at the end.
  void keep_longest() {
    longest_ = handle_;
    const std::string copies = options_.directory + "/longest";
    fs::remove_all(copies);
    fs::create_directories(copies);
    for (StateRun& run : longest_.runs) {
      const std::string copy = copies + "/" + fs::path(run.file.path).filename().string();
      if (!fs::exists(copy)) fs::create_hard_link(run.file.path, copy);
      run.file.path = copy;
    }
  }

  double seconds_to_restore(const StateHandle& handle) {
    const auto start = std::chrono::steady_clock::now();
    HeapStateBackend backend(files_);
    auto state = open(backend, {handle});
    Table table(descriptor());
    state->add(table);
    WEIR_CHECK_EQ(table.size(), options_.keys);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  void compare_restores(OperatorStateBackend& state, Table&) {
    take(state, CheckpointKind::kSavepoint);
    double chain = 1e9;
    double whole = 1e9;
    for (int i = 0; i < 3; ++i) {
      chain = std::min(chain, seconds_to_restore(longest_));
      whole = std::min(whole, seconds_to_restore(whole_));
    }
    fmt::print(
        "restore of the longest chain, {} runs: {:.2f} s, {:.2f} times that of a whole "
        "snapshot, {:.2f} s\n",
        longest_.runs.size(), chain, chain / whole, whole);
  }

  const ChainOptions options_;
  PosixFileStore files_;
  std::unique_ptr<DirectoryCheckpointStorage> storage_;
  Rng rng_{1};
  std::uint64_t last_id_ = 0;
  std::vector<double> freezes_;  // milliseconds of the thread's processor time
  StateHandle handle_;
  StateHandle longest_;
  StateHandle whole_;
};

}  // namespace

int run_chain(const ChainOptions& options) {
  try {
    Chain(options).run();
    return 0;
  } catch (const StatusError& error) {
    fmt::print(stderr, "state_bench: {}\n", error.status().to_string());
    return 1;
  }
}

}  // namespace weir::bench
