// SPDX-License-Identifier: Apache-2.0
// SimRecord: the one record type of random jobs.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "testing/simulation/job_spec.h"
#include "testing/simulation/oracle.h"
#include "types/record.h"
#include "types/text.h"
#include "types/type_info.h"

namespace weir::simulation {

/// Numbers, a text that must survive every way a record can take, and what it was made from.
struct SimRecord {
  std::uint32_t key = 0;
  std::int64_t value = 0;
  EventTime at;
  Text label;
  std::uint32_t origins = 0;     ///< `Provenance::count`
  std::uint64_t origin_sum = 0;  ///< `Provenance::sum`
};
WEIR_RECORD(SimRecord, key, value, at, label, origins, origin_sum)

inline OracleRecord plain(const SimRecord& record) {
  return {record.key, record.value, record.at.millis(), {record.origins, record.origin_sum}};
}

}  // namespace weir::simulation
