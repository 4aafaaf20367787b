// SPDX-License-Identifier: Apache-2.0
// BlackholeSink: takes every record and keeps none.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/sink.h"

namespace weir {

namespace detail {

template <class T>
class BlackholeWriter final : public SinkWriter<T> {
 public:
  using Look = std::function<void(std::span<const T>)>;
  explicit BlackholeWriter(Look look) : look_(std::move(look)) {}

  void open(OperatorContext&) override {}
  void write(const TypedBatch<T>& batch, std::size_t begin, std::size_t end) override {
    if (look_) look_(batch.rows().subspan(begin, end - begin));
  }

 private:
  const Look look_;
};

}  // namespace detail

/// Drops every record: for measuring, and for jobs whose result is their metrics.
template <class T>
struct BlackholeSink {
  /// Sees the records before they are dropped, some at a time, for counts and checksums. With
  /// several subtasks it is called by several threads at once; after a failure records come again.
  std::function<void(std::span<const T>)> look = {};

  std::vector<std::string> validate() const { return {}; }
  std::unique_ptr<SinkWriter<T>> make_writer() const {
    return std::make_unique<detail::BlackholeWriter<T>>(look);
  }
};

}  // namespace weir
