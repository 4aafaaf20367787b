// SPDX-License-Identifier: Apache-2.0
// What states with a time-to-live need: the time that they see, the times that they store, and
// snapshots without what has expired.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "core/state_table.h"
#include "types/serializer.h"

namespace weir {

/// The processing time as the states of one operator see it: the same during a call, and it never
/// goes back.
///
/// Thread: the subtask's.
class StateTime {
 public:
  /// `clock` outlives this.
  void use(const Clock& clock) {
    clock_ = &clock;
    advance();
  }
  /// Reads the clock. Requires: there is one.
  void advance() {
    WEIR_CHECK(clock_ != nullptr && "a state has a time-to-live, and nobody gave it a clock");
    now_ = std::max(now_, clock_->now());
  }
  ProcessingTime now() const { return now_; }

 private:
  const Clock* clock_ = nullptr;
  ProcessingTime now_ = ProcessingTime::min();
};

// What is stored in front of the value of an entry; docs/FORMATS.md. Every entry begins with the
// time of its last update, of a list that of its newest item. `none()` is for entries that were
// stored without: the state that they are restored into puts its own time in the place.

inline constexpr std::size_t kUpdateTimeBytes = 8;

void put_update_time(ByteWriter& out, ProcessingTime time);
/// Errors: DecodeError.
ProcessingTime get_update_time(ByteReader& in);
/// Of a list: one time for each item, from old to new. Requires: there is one at least.
void put_item_times(ByteWriter& out, const std::vector<ProcessingTime>& times);
/// Errors: DecodeError.
std::vector<ProcessingTime> get_item_times(ByteReader& in);
/// All times in front of a value of a state of that kind.
///
/// Errors: DecodeError.
std::vector<ProcessingTime> get_update_times(StateKind kind, ByteReader& in);
/// Whether an entry with this stored value was updated at `expired_through` or before.
///
/// Errors: DecodeError.
bool has_expired(ByteView value, ProcessingTime expired_through);

/// A state with a time-to-live at one barrier, without what had expired by then.
///
/// Of changes, entries that have expired are told of as erased.
class UnexpiredState final : public FrozenState {
 public:
  enum class Contents { kAll, kChanges };
  UnexpiredState(std::unique_ptr<FrozenState> state, ProcessingTime expired_through,
                 Contents contents)
      : state_(std::move(state)), expired_through_(expired_through), contents_(contents) {}
  Status write(StateEntrySink& sink) override;
  ProcessingTime expired_through() const override { return expired_through_; }

 private:
  const std::unique_ptr<FrozenState> state_;
  const ProcessingTime expired_through_;
  const Contents contents_;
};

/// A value and when it was last updated.
template <class T>
struct Stamped {
  T value{};
  ProcessingTime updated_at = ProcessingTime::none();
};

template <class T>
struct Serializer<Stamped<T>> {
  static void encode(ByteWriter& out, const Stamped<T>& stamped) {
    put_update_time(out, stamped.updated_at);
    Serializer<T>::encode(out, stamped.value);
  }
  static Stamped<T> decode(ByteReader& in, TextMaker& text) {
    const ProcessingTime updated_at = get_update_time(in);
    return {Serializer<T>::decode(in, text), updated_at};
  }
  template <class F>
  static void for_each_text(Stamped<T>& stamped, F&& f)
    requires kHoldsText<T>
  {
    weir::for_each_text(stamped.value, f);
  }
};

}  // namespace weir
