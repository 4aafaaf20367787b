// SPDX-License-Identifier: Apache-2.0
// ChannelRegistry: where the two ends of a channel find each other within one process.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "core/ids.h"
#include "taskmanager/io/local_channel.h"

namespace weir {

/// Names one channel of one attempt.
struct ChannelId {
  JobId job;
  AttemptNumber attempt;
  std::uint32_t edge = 0;  ///< position in `JobGraph::edges`
  SubtaskIndex producer;
  SubtaskIndex consumer;
  friend auto operator<=>(const ChannelId&, const ChannelId&) = default;
};

/// Finds or makes local channels. Shared by the TaskManagers of one process.
///
/// A channel belongs to its two ends; the registry holds it only while one end is missing.
///
/// Thread: any. The lock is never held during a call out.
class ChannelRegistry {
 public:
  /// Takes an end. Requires: each end is taken once.
  std::shared_ptr<InputChannel> take_input(const ChannelId& id);
  std::shared_ptr<OutputChannel> take_output(const ChannelId& id);

  /// Forgets `attempt` and all earlier ones of the job: ends taken later find the other one closed
  /// as cancelled. Ends already taken are closed by those who hold them.
  void close_attempt(JobId job, AttemptNumber attempt);

  /// Channels of which one end is missing.
  std::size_t waiting() const;

 private:
  enum class End { kInput, kOutput };
  struct Waiting {
    std::shared_ptr<LocalChannel> channel;
    End taken;
  };
  std::shared_ptr<LocalChannel> take(const ChannelId& id, End end);

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<ChannelId, Waiting> waiting_;
  std::map<JobId, AttemptNumber> closed_;
};

}  // namespace weir
