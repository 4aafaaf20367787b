// SPDX-License-Identifier: Apache-2.0
// The Nexmark queries as Weir programs, run to their end in this process by execute().
#pragma once

#include "bench/nexmark/job.h"
#include "bench/nexmark/query_result.h"

namespace weir::nexmark {

/// The same results as the loops. Each throws std::runtime_error if the job does not finish.
QueryResult run_q0(const JobSetup& setup);
QueryResult run_q4(const JobSetup& setup);
QueryResult run_q5(const JobSetup& setup);
QueryResult run_q9(const JobSetup& setup);
QueryResult run_q18(const JobSetup& setup);
QueryResult run_q19(const JobSetup& setup);
QueryResult run_q20(const JobSetup& setup);

}  // namespace weir::nexmark
