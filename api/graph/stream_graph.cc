// SPDX-License-Identifier: Apache-2.0
// Keeps what the program wrote.
#include "api/graph/stream_graph.h"

#include <algorithm>

namespace weir::detail {

TransformationIndex StreamGraph::add(Transformation transformation) {
  transformations_.push_back(std::move(transformation));
  return transformations_.size() - 1;
}

std::size_t StreamGraph::add_pending(TransformationIndex from, std::string description) {
  pending_.push_back({.from = from, .description = std::move(description)});
  return pending_.size() - 1;
}

void StreamGraph::use_pending(std::size_t number, PendingSteps::Use use) {
  using Use = PendingSteps::Use;
  Use& now = pending_[number].use;
  // Several readers share one operator; but a chain that was moved is not there any more.
  now =
      now == Use::kNone || (now == Use::kOperator && use == Use::kOperator) ? use : Use::kAfterMove;
}

OutputIndex StreamGraph::side_output(TransformationIndex from, SideOutput output) {
  Transformation& source = transformations_[from];
  if (source.side_outputs == nullptr) {
    source.mistakes.push_back("has no side outputs, but '" + output.name + "' is read");
    return OutputIndex{0};
  }
  SideOutputs& known = *source.side_outputs;
  const auto found = std::find_if(known.begin(), known.end(), [&output](const SideOutput& other) {
    return other.name == output.name;
  });
  if (found == known.end()) {
    known.push_back(std::move(output));
    return OutputIndex{static_cast<std::uint32_t>(known.size())};
  }
  if (found->row_type != output.row_type) {
    source.mistakes.push_back("side output '" + output.name + "' is read as two different types");
  }
  return OutputIndex{static_cast<std::uint32_t>(found - known.begin() + 1)};
}

std::string StreamGraph::derived_id(const std::vector<StreamInput>& inputs,
                                    const std::string& what) const {
  std::string id = inputs.empty() ? what : transformations_[inputs.front().from].id + "/" + what;
  const auto is_taken = [this](const std::string& candidate) {
    return std::any_of(transformations_.begin(), transformations_.end(),
                       [&candidate](const Transformation& other) { return other.id == candidate; });
  };
  if (!is_taken(id)) return id;
  std::size_t number = 2;
  while (is_taken(id + "-" + std::to_string(number))) ++number;
  return id + "-" + std::to_string(number);
}

}  // namespace weir::detail
