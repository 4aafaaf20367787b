// SPDX-License-Identifier: Apache-2.0
// SourceLog: what the sources of a simulation have read, noted outside of the system under test.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <utility>

#include "core/operator_context.h"
#include "testing/simulation/job_spec.h"

namespace weir::simulation {

/// Each attempt begins where its checkpoint says and reads on, so only the newest one counts; one
/// that was cut off may still be reading.
///
/// Thread: the world's.
class SourceLog {
 public:
  /// An enumerator was opened; it had handed out the splits before `next` already.
  void begin(const OperatorInfo& who, std::uint32_t source, std::uint32_t next);
  /// A reader is at record `offset` of a split.
  void read(const OperatorInfo& who, std::uint32_t source, std::uint32_t split,
            std::uint32_t offset);

  /// The job as if it had no more input than the newest attempt has read.
  /// Requires: all its sources are generated.
  JobSpec cut_to_what_was_read(JobSpec job) const;

 private:
  struct Attempt {
    JobId job;
    AttemptNumber number;
    friend auto operator<=>(const Attempt&, const Attempt&) = default;
  };
  struct Positions {
    std::map<std::uint32_t, std::uint32_t> next;  // of enumerators, by source, as restored
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> offsets;  // by split
  };
  Positions& of(const OperatorInfo& who) { return attempts_[{who.job, who.attempt}]; }

  std::map<Attempt, Positions> attempts_;
};

}  // namespace weir::simulation
