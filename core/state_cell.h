// SPDX-License-Identifier: Apache-2.0
// ValueCell: one keyed state as a handle sees it, where the key's type is not known.
#pragma once

#include <cstdint>
#include <string>

#include "base/check.h"
#include "core/shared_ref.h"
#include "core/state_text.h"
#include "types/type_kind.h"

namespace weir {

/// The key that state is read and written under now. One per operator, whose cells point at it.
struct KeyContext {
  const void* key = nullptr;  ///< of the operator's key type; null outside a call that has a key
  std::uint32_t hash = 0;
  std::uint64_t sequence = 1;  ///< another one for every change of the key
};

/// Access to the value under the current key. Looks it up once per key change.
///
/// References stay readable until the batch call ends, whatever is written in between; a reference
/// to a value that is then changed shows the old or the new one.
///
/// Thread: the subtask's.
template <class Value>
class ValueCell {
 public:
  ValueCell(const ValueCell&) = delete;
  ValueCell& operator=(const ValueCell&) = delete;

  /// The value, or null.
  const Value* find() {
    if (sequence_ != context_->sequence) {
      locate();
    }
    return value_;
  }
  /// The value to be changed, made from nothing if there is none. When changed, call `settle`.
  Value& open() {
    if (sequence_ != context_->sequence || !is_open_) {
      locate_to_change();
    }
    if constexpr (kHoldsText<Value>) {
      drop_text();
    }
    return *value_;
  }
  /// Takes over the text of the value that was opened.
  void settle() {
    if constexpr (kHoldsText<Value>) {
      keep_text();
    }
  }
  /// Removes the value, if there is one.
  virtual void erase() = 0;
  /// Keeps something readable until the batch call ends.
  virtual void retire(detail::SharedRef<detail::SharedBody> body) = 0;
  virtual const std::string& name() const = 0;
  /// Counts freezes of changes; 0 while changes are not tracked.
  std::uint32_t epoch() const { return epoch_; }

 protected:
  explicit ValueCell(const KeyContext& context) : context_(&context) {}
  ~ValueCell() = default;

  virtual void locate() = 0;
  virtual void locate_to_change() = 0;
  virtual void drop_text() = 0;
  virtual void keep_text() = 0;

  void remember(Value* value, bool is_open) {
    value_ = value;
    is_open_ = is_open;
    sequence_ = context_->sequence;
  }
  void forget() { sequence_ = 0; }
  void begin_epoch() {
    ++epoch_;
    forget();
  }
  const KeyContext& context() const {
    WEIR_CHECK(context_->key != nullptr && "keyed state is used in a call that has no key");
    return *context_;
  }
  bool is_located() const { return sequence_ == context_->sequence; }

 private:
  const KeyContext* context_;
  Value* value_ = nullptr;  // to be changed only if is_open_
  bool is_open_ = false;
  std::uint64_t sequence_ = 0;  // of the key that value_ belongs to
  std::uint32_t epoch_ = 0;
};

}  // namespace weir
