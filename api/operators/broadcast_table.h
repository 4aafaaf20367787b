// SPDX-License-Identifier: Apache-2.0
// BroadcastTable: a map that every subtask of an operator has whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/operators/state_collections.h"
#include "core/state_table.h"
#include "types/schema.h"

namespace weir {

/// Holds a map in the order of encoded keys. A snapshot shares it; the first change afterwards
/// copies it. What was found stays readable until `tidy`, though not up to date.
///
/// Thread: the subtask's; a frozen state is written by any.
/// Cost:   find O(log entries); a new key and an erasure O(entries) moves.
template <class K, class V>
class BroadcastTable final : public StateTable {
 public:
  using Entry = MapEntry<K, V>;

  explicit BroadcastTable(StateDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

  static StateDescriptor describe(std::string name) {
    return {std::move(name),  StateKind::kBroadcast, StateDistribution::kBroadcast,
            schema_text<K>(), schema_text<V>(),      &type_info<V>()};
  }

  const V* find(const K& key) const {
    const Entry* entry = body_->find(key);
    return entry != nullptr ? &entry->value : nullptr;
  }
  std::span<const Entry> entries() const { return body_->entries; }

  /// Calls `f(V&)` with the value, made from nothing if there is none.
  template <class F>
  void update(const K& key, F&& f) {
    Body& body = open();
    V& value = body.find_or_insert(key);
    body.text.drop(value);
    f(value);
    body.text.keep(value);
  }
  /// Returns whether there was one.
  bool erase(const K& key) {
    const auto index = body_->lower_bound(key) - body_->entries.begin();
    if (body_->find(key) == nullptr) return false;
    open().remove_at(index);
    return true;
  }
  void clear() { retire(Ref::make()); }

  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId) override {
    return std::make_unique<Frozen>(body_);
  }
  void restore(std::uint32_t, ByteView key_bytes, ByteView value_bytes) override {
    ArenaList arenas;
    TextMaker text(arenas);
    ByteReader key_in(key_bytes);
    ByteReader value_in(value_bytes);
    const K key = decode_key<K>(key_in, text);
    update(key, [&](V& value) { value = Serializer<V>::decode(value_in, text); });
    if (!key_in.is_at_end() || !value_in.is_at_end()) {
      throw DecodeError("bytes after a broadcast entry", value_in.offset());
    }
  }
  void tidy() override { retired_.clear(); }
  std::size_t memory_bytes() const override {
    return body_->entries.capacity() * sizeof(Entry) + body_->text.bytes();
  }
  std::size_t entry_count() const override { return body_->entries.size(); }

 private:
  using Body = detail::MapBody<K, V>;
  using Ref = detail::SharedRef<Body>;

  class Frozen final : public FrozenState {
   public:
    explicit Frozen(Ref body) : body_(std::move(body)) {}
    Status write(StateEntrySink& sink) override {
      std::string key;
      ByteWriter value;
      std::uint32_t index = 0;
      for (const Entry& entry : body_->entries) {
        key.clear();
        encode_key(key, entry.key);
        value.clear();
        Serializer<V>::encode(value, entry.value);
        WEIR_RETURN_IF_ERROR(sink.entry(index++, key, value.view()));
      }
      return Status::ok();
    }

   private:
    const Ref body_;
  };

  // The map to be changed.
  Body& open() {
    if (body_.is_shared() || body_->text.is_mostly_dead()) {
      retire(Ref::make(std::as_const(*body_)));
    }
    return *body_;
  }
  void retire(Ref next) { retired_.push_back(std::exchange(body_, std::move(next))); }

  StateDescriptor descriptor_;
  Ref body_ = Ref::make();
  std::vector<Ref> retired_;  // what a running call may still read
};

}  // namespace weir
