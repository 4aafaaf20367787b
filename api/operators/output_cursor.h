// SPDX-License-Identifier: Apache-2.0
// OutputCursor: writes rows into an output's batch from a loop, with the bookkeeping in registers.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include "core/output.h"

namespace weir::detail {

/// Appends rows to an output while a loop runs. Everything but the slow path is inlined, and the
/// address of the cursor never escapes: else the compiler must store and load the count per row.
///
/// Nothing else may emit to the output while a cursor lives. If a row throws, the rows before it
/// are kept.
template <class T>
class OutputCursor {
 public:
  [[gnu::always_inline]] explicit OutputCursor(Output<T>& output) : output_(output) { begin(); }
  [[gnu::always_inline]] ~OutputCursor() { output_.end_append(begun_ + count_); }
  OutputCursor(const OutputCursor&) = delete;
  OutputCursor& operator=(const OutputCursor&) = delete;

  /// Constructs the next row from what `make()` returns, in its place.
  template <class Make>
  [[gnu::always_inline]] void append(EventTime time, Make&& make) {
    T* row = ::new (static_cast<void*>(rows_ + count_)) T(make());
    times_[count_] = time;
    if constexpr (kHoldsText<T>) output_.adopt(*row);
    ++count_;
    if (begun_ + count_ == TypedBatch<T>::kCapacity) [[unlikely]] {
      output_.end_append(begun_ + count_);
      begin();
    }
  }

  /// Where text of the row being made goes. Valid if T holds text.
  [[gnu::always_inline]] TextMaker& maker() { return output_.maker(); }

 private:
  [[gnu::always_inline]] void begin() {
    TypedBatch<T>& batch = output_.begin_append();
    begun_ = batch.size();
    rows_ = batch.rows().data() + begun_;
    times_ = batch.mutable_times() + begun_;
    count_ = 0;
  }

  Output<T>& output_;
  T* rows_ = nullptr;
  EventTime* times_ = nullptr;
  std::size_t begun_ = 0;
  std::size_t count_ = 0;
};

}  // namespace weir::detail
