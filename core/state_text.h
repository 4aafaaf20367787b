// SPDX-License-Identifier: Apache-2.0
// StateText: where the text of state lies, counted so that it can be compacted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "types/arena.h"
#include "types/text.h"
#include "types/type_kind.h"

namespace weir {

/// Holds the text of a group of state values: of one chunk of a table, of one list or map.
///
/// Text is appended and neither freed nor moved; the owner of the values copies them to a fresh
/// StateText between batch calls when `is_mostly_dead`. A copy shares the text of the original,
/// which must then take no more: it belongs to a snapshot.
///
/// Thread: the table's; what was kept may be read by any.
class StateText {
 public:
  /// Takes over the text of `value`: what lies elsewhere is copied in. Counts it as live.
  template <class T>
  void keep(T& value) {
    for_each_text(value, [this](Text& text) {
      if (text.is_self_contained()) {
        return;
      }
      if (!arenas_.contains(text.data())) {
        text = copy(text);
      }
      live_ += text.size();
    });
  }
  /// Counts the text of `value`, which was kept, as dead. It stays readable.
  template <class T>
  void drop(const T& value) {
    for_each_text(const_cast<T&>(value), [this](const Text& text) {
      live_ -= text.is_self_contained() ? 0 : text.size();
    });
  }

  bool is_mostly_dead() const { return used_ > 2 * live_ + kDeadBytesIgnored; }
  std::size_t bytes() const { return arenas_.bytes(); }

 private:
  static constexpr std::size_t kFirstArenaBytes = 256;
  static constexpr std::size_t kDeadBytesIgnored = 1024;

  Text copy(const Text& text) {
    const std::size_t size = text.size();
    if (current_ == nullptr || current_->bytes_reserved() - current_->bytes_used() < size) {
      const std::size_t wanted =
          current_ == nullptr ? kFirstArenaBytes : 2 * current_->bytes_reserved();
      ArenaRef arena = Arena::make(std::max(size, wanted));
      current_ = arena.get();
      arenas_.add(std::move(arena));
    }
    char* bytes = current_->allocate(size);
    std::memcpy(bytes, text.data(), size);
    used_ += size;
    return Text::view({bytes, size});
  }

  // Each is one block, twice as large as the one before: few to look through.
  ArenaList arenas_;
  Arena* current_ = nullptr;
  std::size_t used_ = 0;
  std::size_t live_ = 0;
};

/// Stands in for StateText where there is no text.
struct NoStateText {
  template <class T>
  void keep(T&) {}
  template <class T>
  void drop(const T&) {}
  bool is_mostly_dead() const { return false; }
  std::size_t bytes() const { return 0; }
};

/// What holds the text of values of these types.
template <class... Ts>
using StateTextFor = std::conditional_t<(kHoldsText<Ts> || ...), StateText, NoStateText>;

}  // namespace weir
