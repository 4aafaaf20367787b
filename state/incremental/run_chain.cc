// SPDX-License-Identifier: Apache-2.0
// Credits, slices and groups.
#include "state/incremental/run_chain.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

HashRange intersection(HashRange a, HashRange b) {
  return {std::max(a.first, b.first), std::min(a.end, b.end)};
}
bool is_empty(HashRange range) { return range.first >= range.end; }
bool overlap(HashRange a, HashRange b) { return !is_empty(intersection(a, b)); }

}  // namespace

std::vector<StateRun> RunChain::runs() const {
  std::vector<StateRun> runs;
  for (const Link& link : links_) {
    runs.push_back(link.run);
  }
  return runs;
}

void RunChain::restore(const std::vector<StateRun>& runs) {
  links_.clear();
  const std::uint64_t slice_width = (range_.end - range_.first) / options_.slices + 1;
  for (const StateRun& run : runs) {
    // What is not wider than a slice was merged for it; only costs depend on the guess.
    const bool is_slice = run.range.end - run.range.first <= slice_width;
    links_.push_back({run, is_slice ? run.range : range_});
  }
}

std::vector<HashRange> RunChain::parts_of_next(std::uint64_t bytes) const {
  if (!links_.empty() || bytes <= options_.small_chain_bytes) {
    return {range_};
  }
  std::vector<HashRange> parts;
  for (std::uint32_t i = 0; i < options_.slices; ++i) {
    if (!is_empty(slice(i))) {
      parts.push_back(slice(i));
    }
  }
  return parts;
}

void RunChain::append(StateFile run, HashRange part) {
  const double changed = static_cast<double>(run.size) * options_.merged_per_changed;
  links_.push_back({{std::move(run), part}, part});
  // A large credit, as after the first checkpoint, is no reason to merge everything at once.
  credit_ = std::min(credit_ + changed, changed + 2 * bytes() / options_.slices);
}

double RunChain::bytes_within(const Link& link, HashRange range) {
  const HashRange part = intersection(link.run.range, range);
  return is_empty(part) ? 0
                        : static_cast<double>(link.run.file.size) *
                              static_cast<double>(part.end - part.first) /
                              static_cast<double>(link.written.end - link.written.first);
}

double RunChain::slice_cost(HashRange slice) const {
  double sum = 0;
  for (const Link& link : links_) {
    sum += bytes_within(link, slice);
  }
  return sum;
}

double RunChain::bytes() const { return slice_cost(range_); }

HashRange RunChain::slice(std::uint32_t index) const {
  const std::uint64_t width = range_.end - range_.first;
  return {range_.first + width * index / options_.slices,
          range_.first + width * (index + 1) / options_.slices};
}

MergePlan RunChain::plan_whole(std::size_t first, std::size_t count) const {
  MergePlan plan{
      .inputs = {}, .range = links_[first].run.range, .position = first, .takes_whole_runs = true};
  for (std::size_t i = first; i < first + count; ++i) {
    const StateRun& run = links_[i].run;
    plan.inputs.push_back(run);
    plan.range = {std::min(plan.range.first, run.range.first),
                  std::max(plan.range.end, run.range.end)};
  }
  plan.is_oldest =
      std::none_of(links_.begin(), links_.begin() + static_cast<std::ptrdiff_t>(first),
                   [&plan](const Link& link) { return overlap(link.run.range, plan.range); });
  return plan;
}

MergePlan RunChain::plan_slice(HashRange slice) const {
  MergePlan plan{.inputs = {}, .range = slice, .is_oldest = true};
  for (const Link& link : links_) {
    if (overlap(link.run.range, slice)) {
      plan.inputs.push_back({link.run.file, intersection(link.run.range, slice)});
    }
  }
  return plan;
}

std::optional<MergePlan> RunChain::next_merge() const {
  if (bytes() <= static_cast<double>(options_.small_chain_bytes)) {
    return links_.size() >= options_.small_chain_runs ? std::optional(plan_whole(0, links_.size()))
                                                      : std::nullopt;
  }
  if (credit_ >= slice_cost(slice(next_slice_))) {
    MergePlan plan = plan_slice(slice(next_slice_));
    if (plan.inputs.size() > 1) {
      return plan;
    }
  }
  if (links_.size() <= options_.runs_max) {
    return std::nullopt;
  }
  // The neighbours that cost least.
  std::size_t best = 0;
  double least = -1;
  for (std::size_t first = 0; first + options_.group_runs <= links_.size(); ++first) {
    double sum = 0;
    for (std::size_t i = first; i < first + options_.group_runs; ++i) {
      sum += bytes_within(links_[i], links_[i].run.range);
    }
    if (least < 0 || sum < least) {
      least = sum;
      best = first;
    }
  }
  return plan_whole(best, options_.group_runs);
}

void RunChain::replace(const MergePlan& plan, std::optional<StateFile> result) {
  if (result) {
    credit_ = std::max(0.0, credit_ - static_cast<double>(result->size));
  }
  if (plan.takes_whole_runs) {
    const auto first = links_.begin() + static_cast<std::ptrdiff_t>(plan.position);
    const auto place = links_.erase(first, first + static_cast<std::ptrdiff_t>(plan.inputs.size()));
    if (result) {
      links_.insert(place, {{std::move(*result), plan.range}, plan.range});
    }
    return;
  }
  next_slice_ = (next_slice_ + 1) % options_.slices;
  std::vector<Link> rest;
  for (Link& link : links_) {
    const HashRange range = link.run.range;
    if (!overlap(range, plan.range)) {
      rest.push_back(std::move(link));
      continue;
    }
    for (const HashRange left :
         {HashRange{range.first, plan.range.first}, HashRange{plan.range.end, range.end}}) {
      if (!is_empty(left)) {
        rest.push_back({{link.run.file, left}, link.written});
      }
    }
  }
  links_ = std::move(rest);
  if (result) {
    links_.push_back({{std::move(*result), plan.range}, plan.range});
  }
}

}  // namespace weir
