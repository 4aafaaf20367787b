// SPDX-License-Identifier: Apache-2.0
// ItemState: operator state that is a list of items, such as the splits of a source reader.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/state_table.h"
#include "core/state_text.h"
#include "types/schema.h"
#include "types/serializer.h"

namespace weir {

/// Holds the items that an operator stores in each snapshot.
///
/// With StateDistribution::kSplit each restored item comes to one subtask, the same one while the
/// parallelism is kept; with kUnion every subtask gets all, in the order of the subtasks that wrote
/// them. After a restore `items` are those; after `set`, what was set.
///
/// Thread: the subtask's; a frozen state is written by any.
/// Cost:   a snapshot copies the items.
template <class T>
class ItemState final : public StateTable {
 public:
  explicit ItemState(std::string name, StateDistribution distribution = StateDistribution::kSplit)
      : descriptor_{std::move(name),  StateKind::kOperator, distribution, "",
                    schema_text<T>(), &type_info<T>()} {}

  std::span<const T> items() const { return items_; }
  /// Replaces the items; their text is copied.
  void set(std::vector<T> items) {
    StateTextFor<T> text;
    for (T& item : items) {
      text.keep(item);
    }
    items_ = std::move(items);
    text_ = std::move(text);
    is_frozen_ = false;
  }
  /// Adds an item behind the others; its text is copied.
  void add(const T& item) {
    items_.push_back(item);
    if (is_frozen_) {
      set(std::move(items_));  // the text of before is a snapshot's
    } else {
      text_.keep(items_.back());
    }
  }

  const StateDescriptor& descriptor() const override { return descriptor_; }
  std::unique_ptr<FrozenState> freeze(CheckpointId) override {
    is_frozen_ = true;
    return std::make_unique<Frozen>(items_, text_);
  }
  void restore(std::uint32_t, ByteView, ByteView value) override {
    ArenaList arenas;
    TextMaker text(arenas);
    ByteReader in(value);
    items_.push_back(Serializer<T>::decode(in, text));
    text_.keep(items_.back());
    if (!in.is_at_end()) {
      throw DecodeError("bytes after an item", in.offset());
    }
  }
  std::size_t memory_bytes() const override {
    return items_.capacity() * sizeof(T) + text_.bytes();
  }
  std::size_t entry_count() const override { return items_.size(); }

 private:
  class Frozen final : public FrozenState {
   public:
    Frozen(std::vector<T> items, StateTextFor<T> text)
        : items_(std::move(items)), text_(std::move(text)) {}
    Status write(StateEntrySink& sink) override {
      ByteWriter value;
      for (std::size_t i = 0; i < items_.size(); ++i) {
        value.clear();
        Serializer<T>::encode(value, items_[i]);
        WEIR_RETURN_IF_ERROR(sink.entry(static_cast<std::uint32_t>(i), ByteView(), value.view()));
      }
      return Status::ok();
    }

   private:
    std::vector<T> items_;
    StateTextFor<T> text_;  // kept alive
  };

  StateDescriptor descriptor_;
  std::vector<T> items_;
  StateTextFor<T> text_;
  bool is_frozen_ = false;  // since the text was made
};

}  // namespace weir
