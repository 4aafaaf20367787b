// SPDX-License-Identifier: Apache-2.0
// OutputTag: names a side output and the type of its records.
#pragma once

#include <string>
#include <utility>

#include "types/type_kind.h"

namespace weir {

/// Names a side output: where late records or what a function sorts out go. Written with
/// `late_to(tag)` or `context.emit(tag, row)`, read with `side_output(tag)`.
template <class T>
class OutputTag {
 public:
  explicit OutputTag(std::string name) : name_(std::move(name)) {
    static_assert(Describable<T>,
                  "weir: the records of a side output need a description: write WEIR_RECORD(Type, "
                  "field, ...) beside the struct");
  }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

}  // namespace weir
