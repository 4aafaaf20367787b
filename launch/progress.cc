// SPDX-License-Identifier: Apache-2.0
// Formatting of numbers, times and rates for people.
#include "launch/progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir {
namespace {

// 1,204,331
std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  const double kib = static_cast<double>(bytes) / 1024;
  return kib < 1024 ? fmt::format("{:.1f} kB", kib) : fmt::format("{:.1f} MB", kib / 1024);
}

std::string clock_text(Duration uptime) {
  const auto seconds = uptime.count() / 1000;
  return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string headline(const JobProgress& job) {
  std::string text = fmt::format("{} {} {}  checkpoints {}", job.name, job.state,
                                 clock_text(job.uptime), job.checkpoints_completed);
  if (job.last_checkpoint.value() != 0) {
    text +=
        fmt::format(", last #{} {:.1f} s ago ({} ms, {})", job.last_checkpoint.value(),
                    static_cast<double>(job.last_checkpoint_age.count()) / 1000,
                    job.last_checkpoint_duration.count(), bytes_text(job.last_checkpoint_bytes));
  }
  if (job.checkpoints_failed != 0) text += fmt::format(", failed {}", job.checkpoints_failed);
  text += fmt::format("  restarts {}", job.restarts);
  if (job.watermark != EventTime::none()) text += "  watermark " + to_string(job.watermark);
  if (!job.waiting_for.empty()) text += "  waiting for " + job.waiting_for;
  return text;
}

std::string counts(const OperatorProgress& op) {
  std::string text;
  if (!op.is_source) text += " in " + grouped(op.records_in);
  if (!op.is_sink) text += " out " + grouped(op.records_out);
  if (op.late_records != 0) text += " late " + grouped(op.late_records);
  if (op.bad_records != 0) text += " bad " + grouped(op.bad_records);
  return text;
}

std::string loads(const OperatorProgress& op) {
  return op.state_loads != 0 ? "  read from disk " + grouped(op.state_loads) : "";
}

}  // namespace

double ProgressText::rate(const JobProgress& job, std::size_t index, std::int64_t now_nanos) const {
  if (!last_ || last_->operators.size() != job.operators.size()) return 0;
  const OperatorProgress& now = job.operators[index];
  const OperatorProgress& before = last_->operators[index];
  const std::uint64_t count = now.is_source ? now.records_out : now.records_in;
  const std::uint64_t count_before = now.is_source ? before.records_out : before.records_in;
  const std::int64_t nanos = now_nanos - last_nanos_;
  // After a restart the counters begin again.
  if (nanos <= 0 || count < count_before) return 0;
  return static_cast<double>(count - count_before) * 1e9 / static_cast<double>(nanos);
}

void ProgressText::remember(const JobProgress& job, std::int64_t now_nanos) {
  last_ = job;
  last_nanos_ = now_nanos;
}

std::string ProgressText::live(const JobProgress& job, std::int64_t now_nanos) {
  std::string text = headline(job) + "\n";
  std::size_t width = 0;
  for (const OperatorProgress& op : job.operators) width = std::max(width, op.name.size());
  for (std::size_t i = 0; i < job.operators.size(); ++i) {
    const OperatorProgress& op = job.operators[i];
    text += fmt::format("  {:<{}}  {:<44}{:>12}/s", op.name, std::min<std::size_t>(width, 40),
                        counts(op), grouped(static_cast<std::uint64_t>(rate(job, i, now_nanos))));
    if (op.state_entries != 0) text += "  state " + grouped(op.state_entries);
    text += loads(op) + "\n";
  }
  remember(job, now_nanos);
  return text;
}

std::string ProgressText::plain(const JobProgress& job, std::int64_t now_nanos) {
  std::string text = headline(job);
  for (std::size_t i = 0; i < job.operators.size(); ++i) {
    const OperatorProgress& op = job.operators[i];
    if (!op.is_source && !op.is_sink) continue;
    text += fmt::format("  [{}{} {}/s]", op.name, counts(op),
                        grouped(static_cast<std::uint64_t>(rate(job, i, now_nanos))));
  }
  remember(job, now_nanos);
  return text;
}

std::string ProgressText::summary(const JobProgress& job, const std::string& outcome) {
  std::string text = fmt::format(
      "{} {} after {}: {} checkpoints completed, {} failed, {} restarts\n", job.name, outcome,
      clock_text(job.uptime), job.checkpoints_completed, job.checkpoints_failed, job.restarts);
  for (const OperatorProgress& op : job.operators) {
    text += fmt::format("  {:<32}{}{}\n", op.name, counts(op), loads(op));
  }
  return text;
}

}  // namespace weir
