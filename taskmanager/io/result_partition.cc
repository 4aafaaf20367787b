// SPDX-License-Identifier: Apache-2.0
// Sending into channels, and queueing in front of those without room.
#include "taskmanager/io/result_partition.h"

#include <fmt/format.h>

#include <utility>

#include "base/status.h"

namespace weir {
namespace {

std::size_t bytes_of(const StreamElement& element) {
  const BatchPtr* batch = std::get_if<BatchPtr>(&element);
  return sizeof(StreamElement) + (batch != nullptr ? (*batch)->memory_bytes() : 0);
}

}  // namespace

ResultPartition::ResultPartition(std::vector<std::shared_ptr<OutputChannel>> channels,
                                 MemoryBudget& memory, std::string name)
    : memory_(memory), name_(std::move(name)) {
  channels_.reserve(channels.size());
  for (auto& channel : channels) channels_.push_back({std::move(channel), {}});
}

ResultPartition::~ResultPartition() { close(ChannelClose::kEarly); }

void ResultPartition::set_waker(const std::shared_ptr<Waker>& waker) {
  for (Channel& to : channels_) to.channel->set_producer_waker(waker);
}

void ResultPartition::send(ChannelIndex channel, BatchPtr batch) {
  push(channels_[channel.value()], std::move(batch));
}

void ResultPartition::broadcast(const StreamElement& element) {
  for (Channel& to : channels_) push(to, element);
}

void ResultPartition::push(Channel& to, StreamElement element) {
  if (to.queue.empty() && to.channel->try_push(element)) return;
  const std::size_t bytes = bytes_of(element);
  if (!memory_.try_take(bytes)) {
    throw StatusError(resource_exhausted(fmt::format(
        "output queue is full: operator '{}' emitted more at once than the memory limit of {} "
        "bytes leaves room for ({} bytes are in use)",
        name_, memory_.limit(), memory_.used())));
  }
  if (to.queue.empty()) ++queued_channels_;
  to.queue.push_back({std::move(element), bytes});
}

void ResultPartition::drain() {
  if (queued_channels_ == 0) return;
  for (Channel& to : channels_) {
    if (to.queue.empty()) continue;
    while (!to.queue.empty() && to.channel->try_push(to.queue.front().element)) {
      memory_.give_back(to.queue.front().bytes);
      to.queue.pop_front();
    }
    if (to.queue.empty()) --queued_channels_;
  }
}

void ResultPartition::close(ChannelClose how) {
  for (Channel& to : channels_) {
    for (const Queued& queued : to.queue) memory_.give_back(queued.bytes);
    to.queue.clear();
    to.channel->close_producer(how);
  }
  queued_channels_ = 0;
}

std::size_t ResultPartition::queued_elements() const {
  std::size_t count = 0;
  for (const Channel& to : channels_) count += to.queue.size();
  return count;
}

}  // namespace weir
