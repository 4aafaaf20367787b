// SPDX-License-Identifier: Apache-2.0
// Positions by attempt.
#include "testing/simulation/source_log.h"

#include "base/check.h"

namespace weir::simulation {

void SourceLog::begin(const OperatorInfo& who, std::uint32_t source, std::uint32_t next) {
  of(who).next[source] = next;
}

void SourceLog::read(const OperatorInfo& who, std::uint32_t source, std::uint32_t split,
                     std::uint32_t offset) {
  of(who).offsets[{source, split}] = offset;
}

JobSpec SourceLog::cut_to_what_was_read(JobSpec job) const {
  WEIR_CHECK(!attempts_.empty());
  const Positions& newest = attempts_.rbegin()->second;
  for (std::uint32_t source = 0; source < job.sources.size(); ++source) {
    const auto next = newest.next.find(source);
    std::vector<SplitSpec>& splits = job.sources[source].splits;
    for (std::uint32_t split = 0; split < splits.size(); ++split) {
      const auto offset = newest.offsets.find({source, split});
      if (offset != newest.offsets.end()) {
        splits[split].records.resize(offset->second);
      } else if (next == newest.next.end() || split >= next->second) {
        splits[split].records.clear();  // nobody has had it
      }
    }
  }
  return job;
}

}  // namespace weir::simulation
