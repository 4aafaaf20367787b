// SPDX-License-Identifier: Apache-2.0
// Ttl: how long keyed state lives after it was last updated.
#pragma once

#include "base/time.h"

namespace weir {

/// A time-to-live of a keyed state, counted in processing time.
///
///   last_seen_ = states.value<EventTime>("last-seen", weir::Ttl(std::chrono::hours(24)));
///
/// A value lives for that long after it was last set or changed; in a list each item after it was
/// added, in a map each entry by itself. Then it is gone: no read shows it, a change starts from
/// nothing, and what it took is freed little by little as the state is used.
///
/// Time stands still during a call of the user's function. A value that was written at `t` is
/// there before `t + duration`, and not at it.
///
/// Thread: a value.
class Ttl {
 public:
  /// Any std::chrono duration of whole milliseconds. One that is not positive is a mistake of the
  /// program, reported when the graph is built.
  explicit Ttl(Duration duration) : duration_(duration) {}

  /// Reading counts as an update, too. It then costs as much as one.
  Ttl renewed_by_reads() const {
    Ttl other = *this;
    other.is_renewed_by_reads_ = true;
    return other;
  }
  /// What has expired is still shown as long as it is not removed: better old than nothing. When it
  /// is removed is not said, and differs after a restore.
  Ttl shown_until_removed() const {
    Ttl other = *this;
    other.is_shown_until_removed_ = true;
    return other;
  }

  Duration duration() const { return duration_; }
  bool is_renewed_by_reads() const { return is_renewed_by_reads_; }
  bool is_shown_until_removed() const { return is_shown_until_removed_; }

 private:
  Duration duration_;
  bool is_renewed_by_reads_ = false;
  bool is_shown_until_removed_ = false;
};

}  // namespace weir
