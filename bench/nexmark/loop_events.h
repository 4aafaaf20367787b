// SPDX-License-Identifier: Apache-2.0
// What the hand-written loops go over: the generated events as views, and where they keep text.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/nexmark/generator.h"

namespace weir::nexmark {

// Rows as views into one buffer that is used again for every block of events.
class LoopMaker {
 public:
  using Text = std::string_view;
  using Time = std::int64_t;
  LoopMaker() : buffer_(new char[kBytes]) {}
  char* allocate(std::size_t size) {
    char* start = buffer_.get() + used_;
    used_ += size;
    return start;
  }
  std::string_view text(char* bytes, std::size_t size) { return {bytes, size}; }
  static std::string_view constant(std::string_view value) { return value; }
  void reuse() { used_ = 0; }

 private:
  static constexpr std::size_t kBytes = 1 << 20;
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
};

struct LoopBid {
  std::int64_t auction, bidder, price;
  std::string_view channel, url;
  std::int64_t date_time;
  std::string_view extra;
};
struct LoopAuction {
  std::int64_t id;
  std::string_view item_name, description;
  std::int64_t initial_bid, reserve, date_time, expires, seller, category;
  std::string_view extra;
};
struct LoopPerson {
  std::int64_t id;
  std::string_view name, email_address, credit_card, city, state;
  std::int64_t date_time;
  std::string_view extra;
};

/// Makes every event, full size, and hands auctions and bids on.
template <class OnAuction, class OnBid>
void for_each_event(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second,
                    OnAuction on_auction, OnBid on_bid) {
  const Generator<LoopMaker> generator{seed, events_per_second};
  LoopMaker maker;
  LoopBid bid;
  LoopAuction auction;
  LoopPerson person;
  for (std::int64_t number = 0; number < events; ++number) {
    if (number % 1024 == 0) maker.reuse();
    switch (kind_of(number)) {
      case EventKind::kPerson: generator.make_person(number, maker, person); break;
      case EventKind::kAuction:
        generator.make_auction(number, maker, auction);
        on_auction(std::as_const(auction));
        break;
      case EventKind::kBid:
        generator.make_bid(number, maker, bid);
        on_bid(std::as_const(bid));
        break;
    }
  }
}
template <class OnBid>
void for_each_bid(std::uint64_t seed, std::int64_t events, std::int64_t events_per_second,
                  OnBid on_bid) {
  for_each_event(seed, events, events_per_second, [](const LoopAuction&) {}, on_bid);
}

/// Keeps text for ever.
class TextStore {
 public:
  std::string_view keep(std::string_view text) {
    if (used_ + text.size() > kBlockBytes) {
      blocks_.emplace_back(new char[kBlockBytes]);
      used_ = 0;
    }
    char* copy = blocks_.back().get() + used_;
    std::memcpy(copy, text.data(), text.size());
    used_ += text.size();
    return {copy, text.size()};
  }

 private:
  static constexpr std::size_t kBlockBytes = 1 << 20;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t used_ = kBlockBytes;
};

/// Numbers keys from 0 in the order they come. Open addressing; keys are not 0.
class KeyNumbers {
 public:
  /// The number of `key`, and whether it is new.
  struct Found {
    std::uint32_t number;
    bool is_new;
  };
  Found number(std::uint64_t key) {
    if (used_ * 2 > slots_.size()) grow();
    Slot& slot = slots_[place(key)];
    if (slot.key != 0) return {slot.number, false};
    slot = {key, used_++};
    return {slot.number, true};
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t number = 0;
  };
  std::size_t place(std::uint64_t key) const {
    std::size_t at = static_cast<std::size_t>((key * 0x9e3779b97f4a7c15ULL) >> shift_);
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    --shift_;
    for (const Slot& slot : old) {
      if (slot.key != 0) slots_[place(slot.key)] = slot;
    }
  }

  int shift_ = 48;
  std::vector<Slot> slots_ = std::vector<Slot>(1 << 16);
  std::uint32_t used_ = 0;
};

}  // namespace weir::nexmark
