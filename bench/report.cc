// SPDX-License-Identifier: Apache-2.0
// Judging comparisons and writing them down.
#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::bench {
namespace {

std::string target_text(const Target& target) {
  switch (target.kind) {
    case Target::Kind::kNone: return "";
    case Target::Kind::kRatioMax: return fmt::format("<= {:.0f}x loop", target.value);
    case Target::Kind::kRateMin: return fmt::format(">= {:.3g} M/s", target.value);
  }
  return "";
}

bool meets(const Target& target, const Verdict& verdict) {
  switch (target.kind) {
    case Target::Kind::kNone: return true;
    case Target::Kind::kRatioMax: return verdict.ratio <= target.value;
    case Target::Kind::kRateMin: return verdict.million_per_second >= target.value;
  }
  return false;
}

std::string word(const Verdict& verdict) {
  if (!verdict.agrees) return "FAILED";
  if (verdict.comparison.target.kind == Target::Kind::kNone) return "";
  return verdict.is_met ? "MET" : "MISSED";
}

// What was reached, in the terms of the target.
std::string reached(const Verdict& verdict) {
  return verdict.comparison.target.kind == Target::Kind::kRateMin
             ? fmt::format("{:.3g} M/s", verdict.million_per_second)
             : fmt::format("{:.2f}x loop", verdict.ratio);
}

std::string row(const Verdict& verdict) {
  const std::string& title = verdict.comparison.title;
  if (!verdict.agrees) return fmt::format("{:<56} FAILED: {}\n", title, verdict.failure);
  const std::string line =
      fmt::format("{:<56} {:>8.2f} {:>8.2f} {:>7.2f}x {:>8.1f} {:>8.2f}  {:<12} {}", title,
                  verdict.weir.cpu_nanos, verdict.loop.cpu_nanos, verdict.ratio,
                  verdict.million_per_second, verdict.weir.wall_nanos,
                  target_text(verdict.comparison.target), word(verdict));
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

double factor(const Verdict& verdict) {
  return verdict.million_per_second * 1000 / verdict.comparison.published;
}

// Of jobs with much state: what they were measured by besides.
std::string state_table(const std::vector<Verdict>& verdicts) {
  constexpr double kMebibyte = 1024 * 1024;
  std::string text;
  for (const Verdict& verdict : verdicts) {
    const Measurement& weir = verdict.weir;
    if (!verdict.agrees || verdict.comparison.published == 0) continue;
    if (text.empty()) {
      text = fmt::format("\n{:<44} {:>8} {:>8} {:>7} {:>9} {:>11} {:>9} {:>9} {:>9}\n",
                         "thousand events per second of processor time", "Weir", "Flink", "factor",
                         "elapsed s", "checkpoints", "last MiB", "RSS MiB", "loop MiB");
    }
    text += fmt::format(
        "{:<44} {:>8.0f} {:>8.0f} {:>6.1f}x {:>9.1f} {:>11} {:>9.0f} {:>9.0f} {:>9.0f}\n",
        verdict.comparison.title, verdict.million_per_second * 1000, verdict.comparison.published,
        factor(verdict), weir.wall_nanos * static_cast<double>(verdict.records) / 1e9,
        weir.outcome.checkpoints, static_cast<double>(weir.outcome.checkpoint_bytes) / kMebibyte,
        static_cast<double>(weir.memory_bytes) / kMebibyte,
        static_cast<double>(verdict.loop.memory_bytes) / kMebibyte);
  }
  return text.empty() ? text : text + "\n";
}

std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return quoted + "\"";
}

std::uint64_t records_of(const Suite& suite, const std::string& subject) {
  for (const Subject& candidate : suite.subjects()) {
    if (candidate.name == subject) return candidate.records;
  }
  return 0;
}

std::string json_measurement(const std::string& name, const Measurement& measured) {
  return fmt::format(
      R"({{"name": {}, "cpu_nanos_per_record": {:.4f}, "wall_nanos_per_record": {:.4f}, )"
      R"("rows": {}, "checksum": "{:016x}", "checkpoints": {}, "checkpoint_bytes": {}, )"
      R"("memory_bytes": {}}})",
      json_text(name), measured.cpu_nanos, measured.wall_nanos, measured.outcome.rows,
      measured.outcome.checksum, measured.outcome.checkpoints, measured.outcome.checkpoint_bytes,
      measured.memory_bytes);
}

}  // namespace

std::vector<Verdict> judge(const Suite& suite,
                           const std::map<std::string, Measurement>& measurements) {
  std::vector<Verdict> verdicts;
  for (const Comparison& comparison : suite.comparisons()) {
    Verdict verdict{.comparison = comparison,
                    .weir = measurements.at(comparison.weir),
                    .loop = measurements.at(comparison.loop),
                    .records = records_of(suite, comparison.weir),
                    .failure = {}};
    if (!verdict.weir.failure.empty()) {
      verdict.failure = comparison.weir + ": " + verdict.weir.failure;
    } else if (!verdict.loop.failure.empty()) {
      verdict.failure = comparison.loop + ": " + verdict.loop.failure;
    } else if (!(verdict.weir.outcome == verdict.loop.outcome)) {
      verdict.failure =
          fmt::format("Weir gave {} rows with checksum {:016x}, the loop {} with {:016x}",
                      verdict.weir.outcome.rows, verdict.weir.outcome.checksum,
                      verdict.loop.outcome.rows, verdict.loop.outcome.checksum);
    } else {
      verdict.agrees = true;
      verdict.ratio = verdict.weir.cpu_nanos / verdict.loop.cpu_nanos;
      verdict.million_per_second = 1000 / verdict.weir.cpu_nanos;
      verdict.is_met = meets(comparison.target, verdict);
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

bool all_agree(const std::vector<Verdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict& verdict) { return verdict.agrees; });
}

bool all_met(const std::vector<Verdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict& verdict) { return verdict.is_met; });
}

std::string table(const std::vector<Verdict>& verdicts) {
  std::string text;
  std::size_t targets = 0;
  std::size_t missed = 0;
  std::size_t failed = 0;
  for (const Verdict& verdict : verdicts) {
    if (verdict.comparison.target.kind != Target::Kind::kNone) ++targets;
    if (!verdict.agrees) {
      ++failed;
      text += fmt::format("FAILED {}: {}\n", verdict.comparison.title, verdict.failure);
    } else if (!verdict.is_met) {
      ++missed;
      text += fmt::format("MISSED {}: {}, target {}\n", verdict.comparison.title, reached(verdict),
                          target_text(verdict.comparison.target));
    }
  }
  if (!text.empty()) text += "\n";
  text += fmt::format("{:<56} {:>8} {:>8} {:>8} {:>8} {:>8}  {}\n", "nanoseconds per record",
                      "Weir", "loop", "ratio", "M/s", "elapsed", "target");
  for (const Verdict& verdict : verdicts) text += row(verdict);
  text += state_table(verdicts);
  text += "Processor time of all threads, but for elapsed; the least of several repetitions.\n";
  text += fmt::format("bench: {} comparisons, {}; {} of {} targets met\n", verdicts.size(),
                      failed == 0 ? std::string("all checksums agree")
                                  : fmt::format("{} FAILED", failed),
                      targets - missed - failed, targets);
  return text;
}

std::string to_json(const std::vector<Verdict>& verdicts) {
  std::string text = "{\n  \"comparisons\": [\n";
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& verdict = verdicts[i];
    text += fmt::format(
        "    {{\"title\": {}, \"ratio\": {:.4f}, \"million_records_per_second\": {:.4f}, "
        "\"target\": {}, \"result\": {}, \"failure\": {},\n     \"weir\": {},\n     \"loop\": "
        "{}}}{}\n",
        json_text(verdict.comparison.title), verdict.ratio, verdict.million_per_second,
        json_text(target_text(verdict.comparison.target)), json_text(word(verdict)),
        json_text(verdict.failure), json_measurement(verdict.comparison.weir, verdict.weir),
        json_measurement(verdict.comparison.loop, verdict.loop),
        i + 1 < verdicts.size() ? "," : "");
  }
  return text + fmt::format("  ],\n  \"checksums_agree\": {},\n  \"targets_met\": {}\n}}\n",
                            all_agree(verdicts), all_met(verdicts));
}

}  // namespace weir::bench
