// SPDX-License-Identifier: Apache-2.0
// Matching the ends of local channels.
#include "taskmanager/io/channel_registry.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

namespace weir {
namespace {

void close_both_ends(LocalChannel& channel) {
  channel.close_producer(ChannelClose::kCancelled);
  channel.close_consumer();
}

}  // namespace

std::shared_ptr<InputChannel> ChannelRegistry::take_input(const ChannelId& id) {
  return take(id, End::kInput);
}

std::shared_ptr<OutputChannel> ChannelRegistry::take_output(const ChannelId& id) {
  return take(id, End::kOutput);
}

std::shared_ptr<LocalChannel> ChannelRegistry::take(const ChannelId& id, End end) {
  const std::lock_guard lock(mutex_);
  if (const auto closed = closed_.find(id.job);
      closed != closed_.end() && id.attempt <= closed->second) {
    auto channel = std::make_shared<LocalChannel>();
    close_both_ends(*channel);
    return channel;
  }
  const auto [found, inserted] = waiting_.try_emplace(id);
  if (inserted) {
    found->second = {std::make_shared<LocalChannel>(), end};
    return found->second.channel;
  }
  WEIR_CHECK_NE(found->second.taken, end);
  std::shared_ptr<LocalChannel> channel = std::move(found->second.channel);
  waiting_.erase(found);
  return channel;
}

void ChannelRegistry::close_attempt(JobId job, AttemptNumber attempt) {
  std::vector<Waiting> dropped;
  {
    const std::lock_guard lock(mutex_);
    AttemptNumber& closed = closed_.try_emplace(job, attempt).first->second;
    closed = std::max(closed, attempt);
    ChannelId first;
    first.job = job;
    auto next = waiting_.lower_bound(first);
    while (next != waiting_.end() && next->first.job == job && next->first.attempt <= attempt) {
      dropped.push_back(std::move(next->second));
      next = waiting_.erase(next);
    }
  }
  // The end that nobody took is ours to close; the other belongs to a subtask.
  for (const Waiting& half : dropped) {
    if (half.taken == End::kInput) {
      half.channel->close_producer(ChannelClose::kCancelled);
    } else {
      half.channel->close_consumer();
    }
  }
}

std::size_t ChannelRegistry::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace weir
