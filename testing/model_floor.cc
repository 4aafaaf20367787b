// SPDX-License-Identifier: Apache-2.0
// A map and copies of it.
#include "testing/model_floor.h"

#include <string_view>
#include <utility>

namespace weir {

Status ModelFloor::ingest(std::uint16_t state, ChangeBuffer& changes, bool is_erased_only) {
  struct Sink final : StateEntrySink {
    Sink(Entries& into, std::uint16_t number) : entries(into), of(number) {}
    Status entry(std::uint32_t hash, ByteView key, ByteView value) override {
      entries[{of, hash, std::string(key)}] = value;
      return Status::ok();
    }
    Status erased(std::uint32_t hash, ByteView key) override {
      entries.erase({of, hash, std::string(key)});
      return Status::ok();
    }
    Entries& entries;
    const std::uint16_t of;
  };
  const std::lock_guard lock(mutex_);
  Sink sink(entries_, state);
  return is_erased_only ? changes.write_erased(sink) : changes.write(sink);
}

Status ModelFloor::load(std::uint16_t state, std::span<const StoredKey> keys,
                        const std::function<Status(std::size_t, ByteView)>& f) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto found = entries_.find({state, keys[i].hash, keys[i].bytes});
    if (found != entries_.end()) {
      WEIR_RETURN_IF_ERROR(f(i, found->second));
    }
  }
  return Status::ok();
}

Status ModelFloor::load_all(std::uint16_t state, const StoredKey& key,
                            const EntryFunction& f) const {
  const std::lock_guard lock(mutex_);
  for (auto each = entries_.lower_bound({state, key.hash, key.bytes}); each != entries_.end();
       ++each) {
    const auto& [its_state, hash, bytes] = each->first;
    if (its_state != state || hash != key.hash || !std::string_view(bytes).starts_with(key.bytes)) {
      break;
    }
    WEIR_RETURN_IF_ERROR(f(hash, bytes, each->second));
  }
  return Status::ok();
}

class ModelFloor::Copy final : public Snapshot {
 public:
  explicit Copy(Entries entries) : entries_(std::move(entries)) {}
  Status scan(std::uint16_t state, HashRange range, const EntryFunction& f) const override {
    for (const auto& [key, value] : entries_) {
      const auto& [its_state, hash, bytes] = key;
      if (its_state == state && range.contains(hash)) {
        WEIR_RETURN_IF_ERROR(f(hash, bytes, value));
      }
    }
    return Status::ok();
  }

 private:
  const Entries entries_;
};

std::unique_ptr<StateFloor::Snapshot> ModelFloor::snapshot() const {
  const std::lock_guard lock(mutex_);
  return std::make_unique<Copy>(entries_);
}

}  // namespace weir
