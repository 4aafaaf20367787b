// SPDX-License-Identifier: Apache-2.0
// The comparison of multisets and sequences, and its explanation.
#include "testing/simulation/output_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace weir::simulation {
namespace {

constexpr std::size_t kShown = 6;

std::string listed(std::string_view what, const std::vector<OracleRecord>& records) {
  if (records.empty()) return "";
  std::string text = fmt::format("  {} {}:\n", records.size(), what);
  for (std::size_t i = 0; i < std::min(records.size(), kShown); ++i) {
    text += "    " + to_string(records[i]) + "\n";
  }
  return text;
}

std::map<std::uint32_t, std::vector<OracleRecord>> by_key(
    const std::vector<OracleRecord>& records) {
  std::map<std::uint32_t, std::vector<OracleRecord>> groups;
  for (const OracleRecord& record : records) groups[record.key].push_back(record);
  return groups;
}

bool is_late_window(const JobSpec& job, const SinkSpec& sink) {
  const StageSpec* const stage = job.stage_before(sink);
  return stage != nullptr && stage->kind == StageKind::kLateWindow;
}

// The window a record falls into, by its last millisecond.
Millis window_of(Millis time, Millis size) {
  const Millis rest = ((time % size) + size) % size;
  return time - rest + size - 1;
}

}  // namespace

OutputChecker::OutputChecker(const JobSpec& job) : job_(job), expected_(interpret(job)) {
  for (std::uint32_t source = 0; source < job.sources.size(); ++source) {
    const auto& splits = job.sources[source].splits;
    for (std::uint32_t split = 0; split < splits.size(); ++split) {
      for (std::uint32_t offset = 0; offset < splits[split].records.size(); ++offset) {
        const Origin origin{source, split, offset};
        origins_[mixed(origin)] = origin;
      }
    }
  }
}

// Where a record is wrong by a single origin, the difference of the sums names it.
std::string OutputChecker::explain(const std::vector<OracleRecord>& missing,
                                   const std::vector<OracleRecord>& extra) const {
  std::string text = listed("missing", missing) + listed("too many", extra);
  const auto named = [this](std::uint64_t sum) -> std::string {
    const auto found = origins_.find(sum);
    if (found == origins_.end()) return "";
    const Origin& origin = found->second;
    return fmt::format("record {} of split {} of source {}", origin.offset, origin.split,
                       origin.source);
  };
  for (const OracleRecord& want : missing) {
    for (const OracleRecord& have : extra) {
      if (want.key != have.key || want.time != have.time) continue;
      const std::string lost = named(want.made_from.sum - have.made_from.sum);
      const std::string repeated = named(have.made_from.sum - want.made_from.sum);
      if (!lost.empty()) return text + fmt::format("  lost: {}\n", lost);
      if (!repeated.empty()) return text + fmt::format("  repeated: {}\n", repeated);
    }
  }
  return text;
}

std::optional<std::string> OutputChecker::check_order(
    std::size_t sink, const std::vector<OracleRecord>& committed) const {
  if (!job_.sinks[sink].ordered || job_.sinks[sink].kind != SinkKind::kTransactional) return {};
  const auto expected = by_key(expected_[sink].records);
  for (const auto& [key, records] : by_key(committed)) {
    const auto found = expected.find(key);
    if (found == expected.end()) continue;  // extra records are told elsewhere
    for (std::size_t i = 0; i < std::min(records.size(), found->second.size()); ++i) {
      if (records[i] == found->second[i]) continue;
      return fmt::format("I1: sink {}: key {} is out of order at its record {}: {} instead of {}",
                         sink, key, i, to_string(records[i]), to_string(found->second[i]));
    }
  }
  return {};
}

std::optional<std::string> OutputChecker::check_running(const CommittedOutput& committed) const {
  for (std::size_t sink = 0; sink < job_.sinks.size(); ++sink) {
    if (is_late_window(job_, job_.sinks[sink])) continue;
    std::vector<OracleRecord> want = expected_[sink].records;
    std::vector<OracleRecord> have = committed[sink];
    std::sort(want.begin(), want.end());
    std::sort(have.begin(), have.end());
    std::vector<OracleRecord> extra;
    std::set_difference(have.begin(), have.end(), want.begin(), want.end(),
                        std::back_inserter(extra));
    if (!extra.empty()) {
      std::vector<OracleRecord> missing;
      std::set_difference(want.begin(), want.end(), have.begin(), have.end(),
                          std::back_inserter(missing));
      return fmt::format("I1: sink {} committed what a failure-free run does not:\n{}", sink,
                         explain(missing, extra));
    }
    if (auto wrong = check_order(sink, committed[sink])) return wrong;
  }
  return {};
}

std::optional<std::string> OutputChecker::check_finished(const CommittedOutput& committed) const {
  if (auto wrong = check_running(committed)) return wrong;
  for (std::size_t sink = 0; sink < job_.sinks.size(); ++sink) {
    if (is_late_window(job_, job_.sinks[sink])) continue;
    std::vector<OracleRecord> want = expected_[sink].records;
    std::vector<OracleRecord> have = committed[sink];
    std::sort(want.begin(), want.end());
    std::sort(have.begin(), have.end());
    std::vector<OracleRecord> missing;
    std::set_difference(want.begin(), want.end(), have.begin(), have.end(),
                        std::back_inserter(missing));
    if (!missing.empty()) {
      return fmt::format("I1: the job finished, but sink {} lacks {} of {} records:\n{}", sink,
                         missing.size(), want.size(), explain(missing, {}));
    }
  }
  return check_late_window(committed);
}

// Which records come late depends on the run. But each is in exactly one of its window's results
// or among the late ones, and only those can be late that a watermark may have passed.
std::optional<std::string> OutputChecker::check_late_window(
    const CommittedOutput& committed) const {
  const std::map<std::uint64_t, Millis> highest = highest_watermarks(job_);
  // A watermark that goes on without a silent split may pass any of its records.
  const bool has_idleness =
      std::any_of(job_.sources.begin(), job_.sources.end(),
                  [](const SourceSpec& source) { return source.idleness_millis > 0; });
  for (std::size_t main = 0; main < job_.sinks.size(); ++main) {
    const SinkSpec& sink = job_.sinks[main];
    if (sink.late || !is_late_window(job_, sink)) continue;
    const StageSpec& stage = *job_.stage_before(sink);
    std::map<std::pair<std::uint32_t, Millis>, Provenance> accounted;
    // A window fires again for each late record it accepts: the fullest result is the last.
    for (const OracleRecord& result : committed[main]) {
      Provenance& fullest = accounted[{result.key, result.time}];
      if (result.made_from.count == fullest.count) {
        return fmt::format("I1: sink {}: a window gave the same result twice: {}", main,
                           to_string(result));
      }
      if (result.made_from.count > fullest.count) fullest = result.made_from;
    }
    for (std::size_t side = 0; side < job_.sinks.size(); ++side) {
      if (!job_.sinks[side].late || job_.sinks[side].input != sink.input) continue;
      for (const OracleRecord& record : committed[side]) {
        const Millis window = window_of(record.time, stage.size);
        if (!has_idleness && window + stage.lateness > highest.at(record.made_from.sum)) {
          return fmt::format("I10: a record is late that cannot be: {}", to_string(record));
        }
        Provenance& from = accounted[{record.key, window}];
        from.count += record.made_from.count;
        from.sum += record.made_from.sum;
      }
    }
    std::map<std::pair<std::uint32_t, Millis>, Provenance> expected;
    for (const OracleRecord& record : expected_[main].window_input) {
      Provenance& from = expected[{record.key, window_of(record.time, stage.size)}];
      from.count += record.made_from.count;
      from.sum += record.made_from.sum;
    }
    if (accounted != expected) {
      for (const auto& [window, from] : expected) {
        if (accounted[window] == from) continue;
        return fmt::format(
            "I1: sink {}: key {}, window that ends at {}: {} records are in its result or late, "
            "{} came",
            main, window.first, window.second, accounted[window].count, from.count);
      }
      return fmt::format("I1: sink {} has results of windows that nothing fell into", main);
    }
  }
  return {};
}

}  // namespace weir::simulation
