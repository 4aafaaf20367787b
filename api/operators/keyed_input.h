// SPDX-License-Identifier: Apache-2.0
// KeyedInput: the keys and key hashes of the rows that a keyed operator gets.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "api/operators/key_router.h"
#include "core/batch.h"

namespace weir::detail {

/// Takes keys out of rows. Hashes come with the batch where a key router was the last to see it,
/// and are computed where the operator is chained behind another keyed one.
template <class T, class KeyBy>
class KeyedInput {
 public:
  using Key = typename KeyBy::Key;
  explicit KeyedInput(KeyBy key_of) : key_of_(std::move(key_of)) {}

  [[gnu::always_inline]] decltype(auto) key(const T& row) const { return key_of_(row); }

  /// Hashes by position in the batch, valid for the rows of the view until the next call.
  const std::uint32_t* hashes(BatchView view) {
    if (view.batch.is_keyed()) return view.batch.key_hashes().data();
    if (computed_ == nullptr) computed_.reset(new std::uint32_t[TypedBatch<T>::kCapacity]);
    hash_keys(key_of_, view.typed<T>().rows().data() + view.begin, view.size(),
              computed_.get() + view.begin);
    return computed_.get();
  }
  /// Asks tables for the keys of the rows.
  template <class Tables>
  void want(BatchView view, Tables& tables) {
    const T* const rows = std::as_const(view.typed<T>()).rows().data();
    const std::uint32_t* const rows_hashes = hashes(view);
    constexpr std::size_t kAhead = 48;  // rows; there is little to do for each
    for (std::size_t i = view.begin; i < view.end; ++i) {
      if (i + kAhead < view.end) {
        tables.prefetch(rows_hashes[i + kAhead]);
        tables.prefetch_entry(rows_hashes[i + kAhead / 2]);
      }
      tables.want(key(rows[i]), rows_hashes[i]);
    }
  }

 private:
  KeyBy key_of_;
  std::unique_ptr<std::uint32_t[]> computed_;
};

}  // namespace weir::detail
