// SPDX-License-Identifier: Apache-2.0
// CollectingOutput: takes what a reader emits.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/source.h"

namespace weir {

/// Keeps every row, its text too, and the splits in the order of their begin and end.
template <class T>
class CollectingOutput final : public SourceOutput<T> {
 public:
  void emit(T row, EventTime) override { rows.push_back(std::move(row)); }
  TextMaker& maker() override { return maker_; }
  void begin_split(const std::string& id) override { splits.push_back("+" + id); }
  void end_split(const std::string& id) override { splits.push_back("-" + id); }

  std::vector<T> rows;
  std::vector<std::string> splits;

 private:
  ArenaList arenas_;
  TextMaker maker_{arenas_};
};

}  // namespace weir
