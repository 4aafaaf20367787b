// SPDX-License-Identifier: Apache-2.0
// The source of the jobs, and where their settings are made.
#include "bench/nexmark/job.h"

#include <unistd.h>
#include <weir/connectors/datagen.h>
#include <weir/weir.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "bench/nexmark/generator.h"
#include "bench/nexmark/rows.h"

namespace weir::nexmark {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

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

// "heap" stores whole checkpoints, "heap-incremental" what changed, like "rocksdb".
void set_state_backend(ExecutionSettings& settings, const std::string& backend) {
  if (backend != "heap" && backend != "heap-incremental" && backend != "rocksdb") {
    throw std::runtime_error("unknown state backend '" + backend +
                             "': heap, heap-incremental, rocksdb");
  }
  settings.configuration["state.backend.type"] = backend == "rocksdb" ? "rocksdb" : "heap";
  settings.configuration["execution.checkpointing.incremental"] =
      backend == "heap-incremental" ? "true" : "false";
}

// The last completed checkpoint below `directory`; the first is number 1.
JobFigures last_checkpoint(const fs::path& directory) {
  constexpr std::string_view kPrefix = "chk-";
  std::uint64_t last = 0;
  JobFigures figures;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    std::uint64_t id = 0;
    if (!name.starts_with(kPrefix) || !fs::exists(entry.path() / "_metadata")) continue;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), id);
    if (id < last) continue;
    last = id;
    figures.checkpoint_bytes = 0;
    for (const auto& file : fs::recursive_directory_iterator(entry.path())) {
      if (file.is_regular_file()) figures.checkpoint_bytes += file.file_size();
    }
  }
  figures.checkpoints = std::max<std::uint64_t>(last, 1) - 1;
  return figures;
}

}  // namespace

Job::Job(std::string name, const JobSetup& setup) : name_(std::move(name)), setup_(setup) {
  fs::remove_all(directory());
  ExecutionSettings settings;
  settings.parallelism = setup.parallelism;
  settings.checkpoints.interval = setup.checkpoint_interval;
  settings.checkpoint_directory = directory();
  settings.restart.kind = RestartStrategy::Kind::kNone;
  settings.progress = ExecutionSettings::Progress::kNone;
  set_state_backend(settings, setup.state_backend);
  environment_ = StreamExecutionEnvironment(settings);
}

Job::~Job() {
  std::error_code ignored;
  fs::remove_all(directory(), ignored);
}

std::string Job::directory() const {
  return (fs::temp_directory_path() / ("weir-bench-" + std::to_string(getpid()))).string();
}

DataStream<Event> Job::events() {
  auto generator =
      std::make_shared<const Generator<ArenaMaker>>(setup_.seed, setup_.events_per_second);
  return environment_.from_source(
      "events",
      DataGenSource<Event>{.generator =
                               [generator](std::uint64_t number, TextMaker& text) {
                                 return make_event(*generator, static_cast<std::int64_t>(number),
                                                   text);
                               },
                           .count = static_cast<std::uint64_t>(setup_.events),
                           .rate_per_second = setup_.rate_per_second},
      WatermarkStrategy<Event>::bounded_out_of_orderness(4s).with_event_time(time_of));
}

JobFigures Job::run() {
  if (environment_.execute(name_) != 0) throw std::runtime_error("job " + name_ + " failed");
  const JobFigures figures = last_checkpoint(fs::path(directory()) / name_);
  if (figures.checkpoints < setup_.checkpoints_min) {
    throw std::runtime_error("job " + name_ + " ended after " +
                             std::to_string(figures.checkpoints) +
                             " checkpoints: too few to measure");
  }
  return figures;
}

}  // namespace weir::nexmark
