// SPDX-License-Identifier: Apache-2.0
// SimSource: a source over the splits of a JobSpec, whose records appear over simulated time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/source.h"
#include "testing/simulation/job_spec.h"
#include "testing/simulation/sim_record.h"
#include "testing/simulation/source_log.h"

namespace weir::simulation {

/// Options of the source, as `from_source` takes them.
struct SimSource {
  using Row = SimRecord;

  /// Outlives the job; shared by all readers.
  const JobSpec* job = nullptr;
  std::uint32_t source = 0;
  /// Told of what is read; may be null.
  SourceLog* log = nullptr;

  std::vector<std::string> validate() const { return {}; }
  std::unique_ptr<SplitEnumerator> make_enumerator() const;
  std::unique_ptr<SourceReader<SimRecord>> make_reader() const;
};

}  // namespace weir::simulation
