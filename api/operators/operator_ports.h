// SPDX-License-Identifier: Apache-2.0
// SidePorts: the side outputs of one operator subtask that somebody reads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/graph/stream_graph.h"
#include "api/operators/function_traits.h"
#include "core/output.h"

namespace weir::detail {

/// Owns the side outputs of an operator and lists all its outputs, the main one first.
///
/// Thread: the subtask's.
class SidePorts {
 public:
  SidePorts(OutputPort& main, std::shared_ptr<const SideOutputs> sides) : sides_(std::move(sides)) {
    all_.push_back(&main);
    if (sides_ == nullptr) return;
    for (const SideOutput& side : *sides_) {
      owned_.push_back(side.make_port());
      all_.push_back(owned_.back().get());
    }
  }

  std::span<OutputPort* const> all() const { return all_; }

  /// The side output of that name with rows of type S; null if nobody reads it.
  /// Cost: compares the names of the side outputs.
  template <class S>
  Output<S>* find(const std::string& name) const {
    if (sides_ == nullptr) return nullptr;
    for (std::size_t i = 0; i < sides_->size(); ++i) {
      const SideOutput& side = (*sides_)[i];
      if (side.row_type == type_address<S>() && side.name == name) {
        return static_cast<Output<S>*>(owned_[i].get());
      }
    }
    return nullptr;
  }

 private:
  // Shared with the graph, which no longer changes it when operators are made.
  std::shared_ptr<const SideOutputs> sides_;
  std::vector<std::unique_ptr<OutputPort>> owned_;
  std::vector<OutputPort*> all_;
};

}  // namespace weir::detail
