// SPDX-License-Identifier: Apache-2.0
// The Nexmark generator: proportions, sizes and skew of the reference generator, from a seed, so
// that any event can be made again from its number.
//
// It knows nothing of Weir: the caller says what a text is and where its bytes lie, so that the
// hand-written loop and the Weir source run the same code.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace weir::nexmark {

inline constexpr std::int64_t kFirstAuctionId = 1000;
inline constexpr std::int64_t kFirstPersonId = 1000;
inline constexpr std::int64_t kFirstCategoryId = 10;
inline constexpr std::int64_t kBaseTimeMillis = 1436918400000;

enum class EventKind { kPerson, kAuction, kBid };

/// The cycle of 50 events: one person, three auctions, 46 bids.
constexpr EventKind kind_of(std::int64_t number) {
  const std::int64_t rest = number % 50;
  return rest == 0 ? EventKind::kPerson : rest <= 3 ? EventKind::kAuction : EventKind::kBid;
}

/// splitmix64: a few instructions per number, seeded anew for every event.
class EventRandom {
 public:
  explicit EventRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, bound). Requires: 0 < bound <= 2^32.
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(((next() >> 32) * static_cast<std::uint64_t>(bound)) >> 32);
  }

 private:
  std::uint64_t state_;
};

/// What does not change from event to event: prices, channels and cached urls. Lives for ever.
class Tables {
 public:
  static constexpr int kChannels = 10000;
  static constexpr int kPrices = 4096;

  static const Tables& get() {
    static const Tables& tables = *new Tables();
    return tables;
  }

  std::vector<std::string> channels;
  std::vector<std::string> urls;
  std::vector<std::string> hot_urls;
  std::vector<std::int64_t> prices;
  const std::array<std::string_view, 4> hot_channels{"Google", "Facebook", "Baidu", "Apple"};

 private:
  Tables() {
    EventRandom random{42};
    for (int i = 0; i < kChannels; ++i) {
      channels.push_back("channel-" + std::to_string(i));
      urls.push_back(make_url(random, i, random.below(10) > 0));
    }
    for (int i = 0; i < 4; ++i) hot_urls.push_back(make_url(random, i, true));
    // Log-uniform from 100 to 10^8; the table spares a pow() per event in loop and engine alike.
    for (int i = 0; i < kPrices; ++i) {
      prices.push_back(std::llround(std::pow(10.0, 6.0 * i / kPrices) * 100));
    }
  }

  static std::string make_url(EventRandom& random, int channel, bool with_channel) {
    std::string url = "https://www.nexmark.com/";
    for (int part = 0; part < 3; ++part) {
      for (int i = 0; i < 5; ++i) url += static_cast<char>('a' + random.below(26));
      url += part < 2 ? "/" : "/item.htm?query=1";
    }
    if (with_channel) url += "&channel_id=" + std::to_string(channel * 7919 % 1000003);
    return url;
  }
};

/// The channels of bids with their urls, as texts of the caller's type that point into the tables.
template <class Text>
struct Channels {
  struct Channel {
    Text name;
    Text url;
  };

  /// `constant` makes a text of bytes that are never freed.
  template <class Constant>
  explicit Channels(Constant constant) {
    const Tables& tables = Tables::get();
    for (std::size_t i = 0; i < tables.channels.size(); ++i) {
      all.push_back({constant(tables.channels[i]), constant(tables.urls[i])});
    }
    for (std::size_t i = 0; i < tables.hot_channels.size(); ++i) {
      hot.push_back({constant(tables.hot_channels[i]), constant(tables.hot_urls[i])});
    }
  }

  std::vector<Channel> all;
  std::vector<Channel> hot;
};

/// Makes event number `n` into rows of the caller's types.
///
/// `Maker` has a type `Text`, `char* allocate(std::size_t)`, `Text text(char*, std::size_t)` for
/// bytes from `allocate`, and a static `Text constant(std::string_view)` for bytes that are never
/// freed.
template <class Maker>
class Generator {
 public:
  /// `events_per_second`: of event time.
  Generator(std::uint64_t seed, std::int64_t events_per_second)
      : seed_(seed), events_per_second_(events_per_second) {
    // Auctions live until about 100 more auctions were made: 1,666 events.
    horizon_millis_ = std::max<std::int64_t>(1, 1666 * 1000 / events_per_second);
  }

  std::int64_t time_millis(std::int64_t number) const {
    return kBaseTimeMillis + number * 1000 / events_per_second_;
  }

  template <class Bid>
  void make_bid(std::int64_t number, Maker& maker, Bid& bid) const {
    EventRandom random{seed_ ^ static_cast<std::uint64_t>(number) * 0xd1342543de82ef95ULL};
    const std::uint64_t bits = random.next();
    bid.auction = kFirstAuctionId + ((bits & 1) != 0 ? last_auction(number) / 100 * 100
                                                      : next_auction(number, random));
    bid.bidder = kFirstPersonId + ((bits & 6) != 0 ? last_person(number) / 100 * 100 + 1
                                                    : next_person(number, random));
    bid.price = tables_.prices[(bits >> 3) % Tables::kPrices];
    if ((bits & 0x100000) != 0) {
      const auto& channel = channels_.hot[(bits >> 21) & 3];
      bid.channel = channel.name;
      bid.url = channel.url;
    } else {
      const auto& channel =
          channels_.all[static_cast<std::size_t>(random.below(Tables::kChannels))];
      bid.channel = channel.name;
      bid.url = channel.url;
    }
    bid.date_time = typename Maker::Time{time_millis(number)};
    bid.extra = filler(random, maker, 100 - 32);
  }

  template <class Auction>
  void make_auction(std::int64_t number, Maker& maker, Auction& auction) const {
    EventRandom random{seed_ ^ static_cast<std::uint64_t>(number) * 0xd1342543de82ef95ULL};
    auction.id = kFirstAuctionId + last_auction(number);
    auction.seller = kFirstPersonId + (random.below(4) > 0 ? last_person(number) / 100 * 100
                                                           : next_person(number, random));
    auction.category = kFirstCategoryId + random.below(5);
    auction.initial_bid = price(random);
    auction.reserve = auction.initial_bid + price(random);
    const std::int64_t now = time_millis(number);
    auction.date_time = typename Maker::Time{now};
    auction.expires = typename Maker::Time{now + 1 + random.below(2 * horizon_millis_)};
    auction.item_name = letters(random, maker, 20);
    auction.description = letters(random, maker, 100);
    auction.extra = filler(random, maker, 500 - 8 * 7 - 120);
  }

  template <class Person>
  void make_person(std::int64_t number, Maker& maker, Person& person) const {
    static constexpr std::array<std::string_view, 6> kStates{"AZ", "CA", "ID", "OR", "WA", "WY"};
    static constexpr std::array<std::string_view, 10> kCities{
        "Phoenix",   "Los Angeles", "San Francisco", "Boise",    "Portland",
        "Bend",      "Redmond",     "Seattle",       "Kent",     "Cheyenne"};
    EventRandom random{seed_ ^ static_cast<std::uint64_t>(number) * 0xd1342543de82ef95ULL};
    person.id = kFirstPersonId + last_person(number);
    person.name = letters(random, maker, 12);
    person.email_address = letters(random, maker, 18);
    person.credit_card = letters(random, maker, 19);
    person.city = maker.constant(kCities[static_cast<std::size_t>(random.below(10))]);
    person.state = maker.constant(kStates[static_cast<std::size_t>(random.below(6))]);
    person.date_time = typename Maker::Time{time_millis(number)};
    person.extra = filler(random, maker, 200 - 16 - 65);
  }

 private:
  static std::int64_t last_auction(std::int64_t number) {
    std::int64_t epoch = number / 50;
    std::int64_t offset = number % 50;
    if (offset < 1) {
      --epoch;
      offset = 2;
    } else {
      offset = offset >= 4 ? 2 : offset - 1;
    }
    return std::max<std::int64_t>(0, epoch * 3 + offset);
  }
  static std::int64_t last_person(std::int64_t number) { return number / 50; }

  static std::int64_t next_auction(std::int64_t number, EventRandom& random) {
    const std::int64_t last = last_auction(number);
    const std::int64_t first = std::max<std::int64_t>(last - 100, 0);
    return first + random.below(last - first + 1 + 10);
  }
  static std::int64_t next_person(std::int64_t number, EventRandom& random) {
    const std::int64_t people = last_person(number) + 1;
    const std::int64_t active = std::min<std::int64_t>(people, 1000);
    return people - active + random.below(active + 10);
  }
  std::int64_t price(EventRandom& random) const {
    return tables_.prices[static_cast<std::size_t>(random.below(Tables::kPrices))];
  }

  // One 64-bit random number per eight letters.
  static void fill(EventRandom& random, char* to, std::size_t size) {
    while (size >= 8) {
      std::uint64_t letters = (random.next() & 0x0f0f0f0f0f0f0f0fULL) + 0x6161616161616161ULL;
      std::memcpy(to, &letters, 8);
      to += 8;
      size -= 8;
    }
    const std::uint64_t letters = (random.next() & 0x0f0f0f0f0f0f0f0fULL) + 0x6161616161616161ULL;
    std::memcpy(to, &letters, size);
  }
  static auto letters(EventRandom& random, Maker& maker, std::size_t size) {
    char* to = maker.allocate(size);
    fill(random, to, size);
    return maker.text(to, size);
  }
  // Average size, plus or minus a fifth.
  static auto filler(EventRandom& random, Maker& maker, std::int64_t average) {
    const std::int64_t delta = average / 5;
    return letters(random, maker,
                   static_cast<std::size_t>(average - delta + random.below(2 * delta)));
  }

  std::uint64_t seed_;
  std::int64_t events_per_second_;
  std::int64_t horizon_millis_;
  const Tables& tables_ = Tables::get();
  const Channels<typename Maker::Text> channels_{Maker::constant};
};

}  // namespace weir::nexmark
