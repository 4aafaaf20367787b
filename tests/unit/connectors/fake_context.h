// SPDX-License-Identifier: Apache-2.0
// FakeContext: an operator's host for connector tests, with files in a folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/posix_file_store.h"
#include "core/operator_context.h"
#include "testing/manual_clock.h"

namespace weir {

/// A folder that is there while the object lives.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = testing::TempDir() + "weir-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(const std::string& name = {}) const {
    return name.empty() ? path_ : path_ + "/" + name;
  }
  void write(const std::string& name, std::string_view content) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
  }
  std::string read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(path(name), std::ios::binary).rdbuf();
    return out.str();
  }
  /// Names in the folder, hidden ones too, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  /// The content of all files whose names do not begin with a dot, in order of their names.
  std::string visible() const { return visible_in(path_); }
  static std::string visible_in(const std::string& path) {
    std::map<std::string, std::string> contents;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      const std::string name = entry.path().filename().string();
      if (name.front() == '.') continue;
      std::ostringstream out;
      out << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      contents[name] = out.str();
    }
    std::string all;
    for (const auto& [name, content] : contents) all += content;
    return all;
  }

 private:
  std::string path_;
};

/// The snapshot of one subtask: for each state its entries.
using StateImage = std::map<std::string, std::vector<std::string>>;

/// Hands restored entries to tables, and freezes them.
class FakeStateRegistry final : public StateRegistry {
 public:
  void add(StateTable& table) override {
    tables_.push_back(&table);
    std::uint32_t index = 0;
    for (const std::string& entry : restored_[table.descriptor().name]) {
      table.restore(index++, {}, entry);
    }
  }
  bool is_restored() const override { return !restored_.empty(); }
  /// Adds the entries of one former subtask, before `add`.
  void restore_from(const StateImage& image) {
    for (const auto& [name, entries] : image) {
      auto& all = restored_[name];
      all.insert(all.end(), entries.begin(), entries.end());
    }
  }

  std::vector<std::pair<std::string, std::unique_ptr<FrozenState>>> freeze(CheckpointId id) {
    std::vector<std::pair<std::string, std::unique_ptr<FrozenState>>> frozen;
    for (StateTable* table : tables_) {
      frozen.emplace_back(table->descriptor().name, table->freeze(id));
    }
    return frozen;
  }
  static Result<StateImage> write(
      std::vector<std::pair<std::string, std::unique_ptr<FrozenState>>>& frozen) {
    struct Collector final : StateEntrySink {
      std::vector<std::string> entries;
      Status entry(std::uint32_t, ByteView, ByteView value) override {
        entries.emplace_back(value);
        return Status::ok();
      }
    };
    StateImage image;
    for (auto& [name, state] : frozen) {
      Collector collector;
      if (Status status = state->write(collector); !status.is_ok()) return status;
      image[name] = std::move(collector.entries);
    }
    return image;
  }

 private:
  std::vector<StateTable*> tables_;
  StateImage restored_;
};

/// An operator's host. Blocking work waits until `run_all`.
class FakeContext final : public OperatorContext {
 public:
  explicit FakeContext(FileStore* files = nullptr) : files_(files != nullptr ? files : &posix_) {
    info_.job = JobId{7};
    info_.job_name = "test";
    info_.id = OperatorId{"alerts"};
    info_.name = "alerts";
    info_.parallelism = Parallelism{1};
    info_.max_parallelism = MaxParallelism{128};
    info_.attempt = AttemptNumber{1};
  }

  OperatorInfo& mutable_info() { return info_; }
  ManualClock& manual_clock() { return clock_; }
  FakeStateRegistry& registry() { return registry_; }
  const std::vector<std::uint64_t>& committed() const { return committed_; }
  const std::vector<ProcessingTime>& wakes() const { return wakes_; }

  /// Runs blocking work and the mail behind it.
  void run_all() {
    while (!work_.empty()) {
      auto [work, done] = std::move(work_.front());
      work_.pop_front();
      work();
      done();
    }
  }
  /// Runs blocking work but not the mail: the attempt ends meanwhile.
  void run_all_without_mail() {
    for (auto& [work, done] : work_) work();
    work_.clear();
  }
  std::size_t num_waiting() const { return work_.size(); }

  const OperatorInfo& info() const override { return info_; }
  const Clock& clock() const override { return clock_; }
  MetricGroup& metrics() override { return metrics_; }
  StateRegistry& state() override { return registry_; }
  FileStore& files() override { return *files_; }
  void run_blocking(std::function<void()> work, std::function<void()> done) override {
    work_.emplace_back(std::move(work), std::move(done));
  }
  void post(std::function<void()> mail) override { mail(); }
  void wake_at(ProcessingTime time) override { wakes_.push_back(time); }
  void send_hint(std::string) override {}
  void report_committed(CheckpointId checkpoint) override {
    committed_.push_back(checkpoint.value());
  }

 private:
  PosixFileStore posix_;
  FileStore* const files_;
  OperatorInfo info_;
  ManualClock clock_;
  MetricGroup metrics_;
  FakeStateRegistry registry_;
  std::deque<std::pair<std::function<void()>, std::function<void()>>> work_;
  std::vector<std::uint64_t> committed_;
  std::vector<ProcessingTime> wakes_;
};

}  // namespace weir
