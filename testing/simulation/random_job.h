// SPDX-License-Identifier: Apache-2.0
// From a JobSpec to a program, through the public API.
#pragma once

#include <memory>
#include <string>

#include "base/file_store.h"
#include "base/status.h"
#include "core/program.h"
#include "testing/simulation/job_spec.h"
#include "testing/simulation/oracle.h"
#include "testing/simulation/sim_functions.h"
#include "testing/simulation/source_log.h"
#include "testing/simulation/transactional_store.h"

namespace weir::simulation {

/// What a job touches besides the engine. Outlives the program.
struct JobSurroundings {
  TransactionalStore* store = nullptr;
  SourceLog* log = nullptr;
  /// Called by user functions for each record.
  FailureHook hook = [] {};
};

/// Where the files of a source or sink lie.
std::string source_folder(std::uint32_t source);
std::string sink_folder(std::uint32_t sink);

/// Writes the input of the job's file sources. Errors: those of the store.
Status write_source_files(const JobSpec& job, FileStore& files);
/// Reads what a file sink has made visible; nothing if its folder is not there.
Result<std::vector<OracleRecord>> read_sink_files(std::uint32_t sink, FileStore& files);

/// Writes the job as a user would. `job` outlives the program.
Result<std::shared_ptr<const Program>> build_program(const JobSpec& job,
                                                     const JobSurroundings& surroundings);

}  // namespace weir::simulation
