// SPDX-License-Identifier: Apache-2.0
// ExpiringTable: the in-memory table of one keyed state with a time-to-live.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "api/operators/expiring_collections.h"
#include "core/keyed_table.h"
#include "core/time_to_live.h"

namespace weir::detail {

/// A keyed table whose values carry the times of their updates: `Value` is a Stamped, or the box of
/// a list or map with EntryTimes.
///
/// What has expired is removed as the table is used: `tidy` looks through a part of it that is as
/// large as what was used since the last one, as long as it may hold something expired. Nobody can
/// tell when, but for those who want to be shown what is not yet removed.
///
/// Thread: the subtask's.
template <class Key, class Value>
class ExpiringTable : public StateTable {
 public:
  using Table = KeyedTable<Key, Value>;

  /// `context` and `time` outlive the table; `time` has a clock.
  ExpiringTable(StateDescriptor descriptor, const Ttl& ttl, const KeyContext& context,
                StateTime& time)
      : table_(std::move(descriptor), context),
        expiry_(ttl, time),
        context_(context),
        time_(time) {}

  Table& table() { return table_; }
  const Expiry& expiry() const { return expiry_; }

  const StateDescriptor& descriptor() const override { return table_.descriptor(); }
  std::unique_ptr<FrozenState> freeze(CheckpointId checkpoint) override {
    return unexpired(table_.freeze(checkpoint), UnexpiredState::Contents::kAll);
  }
  bool can_track_changes() const override { return true; }
  void track_changes(bool is_stored) override {
    forget_value();
    table_.track_changes(is_stored);
  }
  std::unique_ptr<FrozenState> freeze_changes() override {
    return unexpired(table_.freeze_changes(), UnexpiredState::Contents::kChanges);
  }
  void restore(std::uint32_t hash, ByteView key, ByteView value) override {
    forget_value();
    std::string stamped;
    if (convert_restored(value, stamped)) {
      table_.restore(hash, key, value);
    }
  }
  bool convert_restored(ByteView& value, std::string& scratch) const override {
    ByteReader in(value);
    const ProcessingTime updated_at = get_update_time(in);
    if (!updated_at.is_none()) {
      return updated_at > expiry_.through();
    }
    ByteWriter stamped;
    put_update_time(stamped, expiry_.now());
    stamped.put_bytes(value.substr(kUpdateTimeBytes));
    scratch = stamped.view();
    value = scratch;
    return true;
  }
  EvictableTable* evictable() override { return &table_; }
  void tidy() override {
    forget_value();
    sweep();
    table_.tidy();
  }
  std::size_t memory_bytes() const override { return table_.memory_bytes(); }
  std::size_t entry_count() const override { return table_.entry_count(); }

 protected:
  /// For a cell that remembers a value of the table: it may be elsewhere, or gone.
  virtual void forget_value() {}

 private:
  static constexpr std::uint64_t kSweptPerKey = 4;

  std::unique_ptr<FrozenState> unexpired(std::unique_ptr<FrozenState> frozen,
                                         UnexpiredState::Contents contents) {
    forget_value();
    time_.advance();
    return std::make_unique<UnexpiredState>(std::move(frozen), expiry_.through(), contents);
  }
  // Spends what was earned by setting keys; a chunk is looked through as a whole, so there may be
  // a debt, which is earned before the next one.
  void sweep() {
    const std::uint64_t keys_set = context_.sequence - sequence_swept_;
    sequence_swept_ = context_.sequence;
    if (next_chunk_ == 0) {
      if (oldest_ > expiry_.through()) {
        return;
      }
      oldest_ahead_ = expiry_.now();  // what is written from now on is not older
    }
    credit_ += static_cast<std::int64_t>(kSweptPerKey * keys_set);
    while (credit_ > 0) {
      if (!sweep_chunk(next_chunk_++)) {
        next_chunk_ = 0;
        credit_ = 0;
        oldest_ = oldest_ahead_;
      }
    }
  }
  bool sweep_chunk(std::size_t chunk) {
    const ProcessingTime through = expiry_.through();
    --credit_;
    return table_.for_each_in_chunk(chunk,
                                    [&](const Key& key, std::uint32_t hash, const Value& value) {
                                      --credit_;
                                      switch (how_much_expired(value, through)) {
                                        case Expired::kNothing:
                                          note_oldest(oldest_update(value));
                                          break;
                                        case Expired::kSome: remove_from(key, hash, through); break;
                                        case Expired::kAll: table_.erase(key, hash); break;
                                      }
                                    });
  }
  void note_oldest(ProcessingTime time) { oldest_ahead_ = std::min(oldest_ahead_, time); }
  void remove_from(const Key& key, std::uint32_t hash, ProcessingTime through) {
    if constexpr (requires(Value& box) { box.open(table_); }) {
      auto& body = table_.find_or_insert(key, hash).open(table_);
      remove_expired(body, through);
      note_oldest(body.times.oldest);
    }
  }

  Table table_;
  const Expiry expiry_;
  const KeyContext& context_;
  StateTime& time_;
  // The walk that removes what has expired.
  std::uint64_t sequence_swept_ = 0;
  std::size_t next_chunk_ = 0;  // 0: between two walks
  std::int64_t credit_ = 0;     // times that may still be looked at; a debt after a large chunk
  ProcessingTime oldest_ = ProcessingTime::none();  // no entry is older
  ProcessingTime oldest_ahead_;                     // the same, as far as the walk came
};

/// Values, reducing and aggregating states: the cell that handles use shows the value alone, and
/// none where it has expired.
template <class Key, class T>
class ExpiringValues final : public ExpiringTable<Key, Stamped<T>>, public ValueCell<T> {
 public:
  using Base = ExpiringTable<Key, Stamped<T>>;

  ExpiringValues(StateDescriptor descriptor, const Ttl& ttl, const KeyContext& context,
                 StateTime& time)
      : Base(std::move(descriptor), ttl, context, time), ValueCell<T>(context) {}

  void erase() override {
    cell().erase();
    this->forget();
  }
  void retire(SharedRef<SharedBody> body) override { cell().retire(std::move(body)); }
  const std::string& name() const override { return this->descriptor().name; }

 private:
  ValueCell<Stamped<T>>& cell() { return this->table(); }
  void forget_value() override { this->forget(); }

  void locate() override {
    const Stamped<T>* held = cell().find();
    if (held != nullptr && this->expiry().hides(held->updated_at)) {
      cell().erase();
      held = nullptr;
    } else if (held != nullptr && this->expiry().renews(held->updated_at)) {
      Stamped<T>& renewed = cell().open();
      renewed.updated_at = this->expiry().now();
      cell().settle();
      held = &renewed;
    }
    // Const only to the eye: it is not changed before it was opened.
    this->remember(held == nullptr ? nullptr : const_cast<T*>(&held->value), false);
  }
  void locate_to_change() override {
    Stamped<T>& held = cell().open();
    if (this->expiry().hides(held.updated_at)) {
      held.value = T{};
    }
    held.updated_at = this->expiry().now();
    cell().settle();
    this->remember(&held.value, true);
  }
  // `open` and `settle` of the table count the text; each pair of them leaves it as it is.
  void drop_text() override { static_cast<void>(cell().open()); }
  void keep_text() override { cell().settle(); }
};

/// Lists and maps: handles go through `entries`.
template <class Key, class Entries>
class ExpiringCollections final : public ExpiringTable<Key, typename Entries::Box> {
 public:
  ExpiringCollections(StateDescriptor descriptor, const Ttl& ttl, const KeyContext& context,
                      StateTime& time)
      : ExpiringTable<Key, typename Entries::Box>(std::move(descriptor), ttl, context, time),
        entries_(this->table(), this->expiry()) {}

  Entries& entries() { return entries_; }

 private:
  Entries entries_;
};

}  // namespace weir::detail
