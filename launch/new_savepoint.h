// SPDX-License-Identifier: Apache-2.0
// NewSavepoint: what a SavepointWriter holds until it is written.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "core/state_table.h"

namespace weir::detail {

/// A savepoint that is being made.
class NewSavepoint {
 public:
  using Place = std::pair<std::uint32_t, std::string>;  // hash, key: how entries are ordered
  struct State {
    StateDescriptor descriptor;
    bool is_kept = false;
    std::map<Place, std::string> entries;
  };
  struct Operator {
    std::string name;
    std::map<std::string, State> states;
  };

  std::string job_name;
  std::map<std::string, Operator> operators;
};

}  // namespace weir::detail
