// SPDX-License-Identifier: Apache-2.0
// The two programs, their source and their checksums.
#include "bench/nexmark/queries.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include <weir/connectors/blackhole.h>
#include <weir/connectors/datagen.h>
#include <weir/weir.h>

#include "bench/nexmark/checksum.h"
#include "bench/nexmark/generator.h"
#include "bench/nexmark/rows.h"

namespace weir::nexmark {
namespace {

using namespace std::chrono_literals;

// Text of generated rows: in the arena of the batch, where it stays.
class ArenaMaker {
 public:
  using Text = weir::Text;
  using Time = EventTime;
  explicit ArenaMaker(TextMaker& text) : text_(text) {}
  char* allocate(std::size_t size) { return text_.reserve(size); }
  Text text(char* bytes, std::size_t size) { return Text::view({bytes, size}); }
  static Text constant(std::string_view value) { return Text::static_view(value); }

 private:
  TextMaker& text_;
};

// In place: the event is filled where the caller wants it.
template <class Row, class Fill>
Event made(Fill&& fill) {
  Event event(std::in_place_type<Row>);
  fill(std::get<Row>(event));
  return event;
}

Event make_event(const Generator<ArenaMaker>& generator, std::int64_t number, TextMaker& text) {
  ArenaMaker maker(text);
  switch (kind_of(number)) {
    case EventKind::kPerson:
      return made<Person>([&](Person& row) { generator.make_person(number, maker, row); });
    case EventKind::kAuction:
      return made<Auction>([&](Auction& row) { generator.make_auction(number, maker, row); });
    case EventKind::kBid: break;
  }
  return made<Bid>([&](Bid& row) { generator.make_bid(number, maker, row); });
}

EventTime time_of(const Event& event) {
  return std::visit([](const auto& row) { return row.date_time; }, event);
}
bool is_bid(const Event& event) { return std::holds_alternative<Bid>(event); }

/// A directory of its own for the checkpoints of one job.
class CheckpointDirectory {
 public:
  CheckpointDirectory()
      : path_(std::filesystem::temp_directory_path() /
              ("weir-bench-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
  }
  ~CheckpointDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  CheckpointDirectory(const CheckpointDirectory&) = delete;
  CheckpointDirectory& operator=(const CheckpointDirectory&) = delete;

  std::string path() const { return path_.string(); }
  /// The number of the last checkpoint of `job`; the first is 1.
  std::uint64_t last_checkpoint(const std::string& job) const {
    constexpr std::string_view kPrefix = "chk-";
    std::uint64_t last = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_ / job)) {
      const std::string name = entry.path().filename().string();
      std::uint64_t id = 0;
      if (!name.starts_with(kPrefix)) continue;
      std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), id);
      last = std::max(last, id);
    }
    return last;
  }

 private:
  std::filesystem::path path_;
};

/// Rows counted and summed by all subtasks of a sink.
class SharedResult {
 public:
  void add(std::uint64_t rows, std::uint64_t checksum) {
    rows_.fetch_add(rows, std::memory_order_relaxed);
    checksum_.fetch_add(checksum, std::memory_order_relaxed);
  }
  QueryResult take() const { return {rows_.load(), checksum_.load()}; }

 private:
  std::atomic<std::uint64_t> rows_{0};
  std::atomic<std::uint64_t> checksum_{0};
};

StreamExecutionEnvironment make_environment(const JobSetup& setup,
                                            const CheckpointDirectory& directory) {
  ExecutionSettings settings;
  settings.parallelism = setup.parallelism;
  settings.checkpoints.interval = setup.checkpoint_interval;
  settings.checkpoint_directory = directory.path();
  settings.restart.kind = RestartStrategy::Kind::kNone;
  settings.progress = ExecutionSettings::Progress::kNone;
  return StreamExecutionEnvironment(settings);
}

auto events_of(StreamExecutionEnvironment& env, const JobSetup& setup) {
  auto generator =
      std::make_shared<const Generator<ArenaMaker>>(setup.seed, setup.events_per_second);
  return env.from_source(
      "events",
      DataGenSource<Event>{.generator =
                               [generator](std::uint64_t number, TextMaker& text) {
                                 return make_event(*generator, static_cast<std::int64_t>(number),
                                                   text);
                               },
                           .count = static_cast<std::uint64_t>(setup.events)},
      WatermarkStrategy<Event>::bounded_out_of_orderness(4s).with_event_time(time_of));
}

void finish(StreamExecutionEnvironment& env, const JobSetup& setup,
            const CheckpointDirectory& directory, const std::string& job) {
  if (env.execute(job) != 0) throw std::runtime_error("job " + job + " failed");
  const std::uint64_t checkpoints = directory.last_checkpoint(job);
  if (checkpoints < setup.checkpoints_min + 1) {
    throw std::runtime_error("job " + job + " ended after " + std::to_string(checkpoints) +
                             " checkpoints, the final one included: too few to measure");
  }
}

/// The most bids of a window; auctions with equally many are kept.
struct Hottest {
  MostBids accumulator() const { return {}; }
  void add(MostBids& most, const AuctionBids& row) const {
    if (row.bids < most.bids) return;
    if (row.bids > most.bids) {
      most.bids = row.bids;
      most.auctions.clear();
    }
    most.auctions.push_back(row.auction);
  }
  void merge(MostBids& most, const MostBids& other) const {
    for (const std::int64_t auction : other.auctions) {
      add(most, {auction, other.bids, EventTime::none()});
    }
  }
};

}  // namespace

QueryResult run_q0(const JobSetup& setup) {
  const CheckpointDirectory directory;
  StreamExecutionEnvironment env = make_environment(setup, directory);
  const auto result = std::make_shared<SharedResult>();
  events_of(env, setup)
      .filter(is_bid)
      .map([](const Event& event) {
        const Bid& bid = std::get<Bid>(event);
        return BidSummary{bid.auction, bid.bidder, bid.price, bid.date_time, bid.extra};
      })
      .sink_to("bids", BlackholeSink<BidSummary>{.look = [result](
                                                             std::span<const BidSummary> rows) {
        std::uint64_t checksum = 0;
        for (const BidSummary& row : rows) {
          checksum += RowChecksum{}
                          .number(row.auction)
                          .number(row.bidder)
                          .number(row.price)
                          .number(row.date_time.millis())
                          .text(row.extra)
                          .value();
        }
        result->add(rows.size(), checksum);
      }});
  finish(env, setup, directory, "nexmark-q0");
  return result->take();
}

QueryResult run_q5(const JobSetup& setup) {
  const CheckpointDirectory directory;
  StreamExecutionEnvironment env = make_environment(setup, directory);
  const auto result = std::make_shared<SharedResult>();
  events_of(env, setup)
      .filter(is_bid)
      .map([](const Event& event) { return BidOn{std::get<Bid>(event).auction}; })
      .key_by(&BidOn::auction)
      .window(sliding(10s, 2s))
      .aggregate("bids-per-auction", count(),
                 [](std::int64_t auction, const TimeWindow& window, std::uint64_t bids) {
                   return AuctionBids{auction, bids, window.end};
                 })
      .key_by(&AuctionBids::window_end)
      .window(tumbling(2s))
      .aggregate("hottest", Hottest{})
      .sink_to("auctions",
               BlackholeSink<WindowResult<EventTime, MostBids>>{.look = [result](const auto rows) {
                 for (const auto& row : rows) {
                   for (const std::int64_t auction : row.value.auctions) {
                     result->add(1, RowChecksum{}
                                        .number(auction)
                                        .number(static_cast<std::int64_t>(row.value.bids))
                                        .value());
                   }
                 }
               }});
  finish(env, setup, directory, "nexmark-q5");
  return result->take();
}

}  // namespace weir::nexmark
