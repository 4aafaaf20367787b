// SPDX-License-Identifier: Apache-2.0
// CapturedState: the entries of a frozen state, to be compared and restored.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "core/state_table.h"

namespace weir {

struct CapturedEntry {
  std::uint32_t hash;
  std::string key;
  std::string value;
  friend auto operator<=>(const CapturedEntry&, const CapturedEntry&) = default;
};

/// Takes entries and checks that those of a keyed state come in order.
class CapturedState final : public StateEntrySink {
 public:
  Status entry(std::uint32_t hash, ByteView key, ByteView value) override {
    entries.push_back({hash, std::string(key), std::string(value)});
    return Status::ok();
  }
  bool is_sorted() const {
    for (std::size_t i = 1; i < entries.size(); ++i) {
      if (std::pair(entries[i - 1].hash, entries[i - 1].key) >=
          std::pair(entries[i].hash, entries[i].key)) {
        return false;
      }
    }
    return true;
  }
  void restore_into(StateTable& table) const {
    for (const CapturedEntry& entry : entries) {
      table.restore(entry.hash, entry.key, entry.value);
    }
  }

  std::vector<CapturedEntry> entries;
};

inline CapturedState capture(FrozenState& frozen) {
  CapturedState captured;
  EXPECT_TRUE(frozen.write(captured).is_ok());
  return captured;
}

inline CapturedState capture(StateTable& table) { return capture(*table.freeze(CheckpointId{1})); }

/// The same on a thread of its own, so that the sanitizer sees what it touches.
class BackgroundCapture {
 public:
  explicit BackgroundCapture(std::unique_ptr<FrozenState> frozen)
      : frozen_(std::move(frozen)), thread_([this] {
          captured_ = capture(*frozen_);
          frozen_.reset();
        }) {}
  BackgroundCapture(const BackgroundCapture&) = delete;
  ~BackgroundCapture() {
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  const CapturedState& wait() {
    thread_.join();
    return captured_;
  }

 private:
  std::unique_ptr<FrozenState> frozen_;
  CapturedState captured_;
  std::thread thread_;
};

}  // namespace weir
