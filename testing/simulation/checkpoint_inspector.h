// SPDX-License-Identifier: Apache-2.0
// Looks at the files of checkpoints and sinks from outside: what is durable (I9), what leaked (I6).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/ids.h"
#include "testing/memory_file_store.h"
#include "testing/simulation/job_spec.h"

namespace weir::simulation {

/// Whether the checkpoint, or a later one, with every file it names, would survive a loss of power.
bool is_durable(MemoryFileStore& disk, CheckpointId checkpoint);

/// The files of every complete checkpoint, by id, and of each by path.
std::vector<std::vector<std::string>> checkpoint_files(MemoryFileStore& disk);
/// The files of one; none if it is not complete.
std::vector<std::string> checkpoint_files(MemoryFileStore& disk, CheckpointId checkpoint);
/// The ids of all checkpoint directories.
std::set<std::uint64_t> checkpoint_ids(MemoryFileStore& disk);
/// The names of all runs.
std::set<std::string> run_names(MemoryFileStore& disk);
/// Says which checkpoint files are there that nobody needs after the job has finished. Those of
/// `foreign` checkpoints are not looked at, and of runs only those that were there at its end: what
/// an attempt writes that has not heard of it goes at the next start.
std::optional<std::string> find_checkpoint_leak(MemoryFileStore& disk, const JobSpec& job,
                                                const std::set<std::uint64_t>& foreign,
                                                const std::set<std::string>& runs_at_end);
/// Says what is missing of a savepoint, or what lies outside of it that it needs.
std::optional<std::string> find_savepoint_loss(MemoryFileStore& disk, const std::string& path);
/// The files that file sinks have not made visible.
std::set<std::string> hidden_output(MemoryFileStore& disk, const JobSpec& job);
/// Says which of them are left of a job that has finished, of those that were there at its end.
std::optional<std::string> find_output_leak(MemoryFileStore& disk, const JobSpec& job,
                                            const std::set<std::string>& hidden_at_end);

/// Copies everything that `from` shows, durably.
void copy_files(MemoryFileStore& from, MemoryFileStore& to, const std::string& folder = "/");

}  // namespace weir::simulation
