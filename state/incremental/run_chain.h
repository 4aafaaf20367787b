// SPDX-License-Identifier: Apache-2.0
// RunChain: the runs that an operator subtask's keyed state consists of, and which to merge next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/control_messages.h"
#include "core/key_group.h"

namespace weir {

/// When runs are merged. Bytes are those of files.
struct MergeOptions {
  /// A chain that is smaller is merged into one run when it has `small_chain_runs`.
  std::uint64_t small_chain_bytes = std::uint64_t{1} << 20;
  std::size_t small_chain_runs = 8;
  /// Bytes that may be merged for each byte of changes.
  double merged_per_changed = 1.75;
  /// Into how many parts the hashes of the subtask are divided, of which one is merged at a time.
  std::uint32_t slices = 16;
  /// Longer chains are shortened by merging `group_runs` neighbours, whatever it costs.
  std::size_t runs_max = 128;
  std::size_t group_runs = 8;
};

/// Runs to be merged into one.
struct MergePlan {
  std::vector<StateRun> inputs;   ///< in their order, each with the hashes that are taken from it
  HashRange range;                ///< for which the result counts
  bool is_oldest = false;         ///< nothing lies below: what is erased need not be noted any more
  std::size_t position = 0;       ///< of the first input in the chain
  bool takes_whole_runs = false;  ///< inputs vanish from the chain; else only `range` of them
};

/// Runs in the order in which later ones win, and how much was changed and merged.
///
/// Every changed byte is a credit for merging. When it pays for the next slice of the hashes, all
/// runs are merged for the keys of that slice; they go on counting for the others. So the work is
/// spread over checkpoints, and a run vanishes after one round at the latest: with 16 slices
/// and 1.75 bytes merged per changed byte, files hold 1.6 times the live state.
///
/// Thread: one at a time.
class RunChain {
 public:
  /// `range`: the hashes of the subtask.
  RunChain(HashRange range, MergeOptions options) : range_(range), options_(options) {}

  std::vector<StateRun> runs() const;
  std::size_t size() const { return links_.size(); }
  /// Takes over what a restored checkpoint listed.
  void restore(const std::vector<StateRun>& runs);
  /// Into which parts the hashes of the next run are to be divided, each a run of its own: a first
  /// run of about so many bytes, of which a merge of one slice then leaves nothing behind.
  std::vector<HashRange> parts_of_next(std::uint64_t bytes) const;
  /// Adds a run of changes, which has the keys of `part`.
  void append(StateFile run, HashRange part);
  /// What to merge now, if anything.
  std::optional<MergePlan> next_merge() const;
  /// Puts the result of a merge in the place of its inputs. Without a file: nothing was left.
  void replace(const MergePlan& plan, std::optional<StateFile> result);

 private:
  struct Link {
    StateRun run;
    HashRange written;  // the hashes that the file was written for
  };
  // The part of a run's file that counts for `range`; hashes are spread evenly.
  static double bytes_within(const Link& link, HashRange range);
  double bytes() const;
  double slice_cost(HashRange slice) const;
  HashRange slice(std::uint32_t index) const;
  MergePlan plan_whole(std::size_t first, std::size_t count) const;
  MergePlan plan_slice(HashRange slice) const;

  const HashRange range_;
  const MergeOptions options_;
  std::vector<Link> links_;
  std::uint32_t next_slice_ = 0;
  double credit_ = 0;
};

}  // namespace weir
