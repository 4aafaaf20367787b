// SPDX-License-Identifier: Apache-2.0
// ReduceOperator: folds the records of each key into one, and emits it for every record.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "api/graph/stream_graph.h"
#include "api/operators/keyed_input.h"
#include "api/operators/state_preparation.h"
#include "core/keyed_table.h"
#include "core/operator.h"
#include "core/output.h"
#include "types/schema.h"

namespace weir::detail {

/// Emits, for each record, what the function makes of all records of its key so far. The first one
/// of a key is emitted as it is.
///
/// Source: Flink, StreamGroupedReduceOperator.
template <class T, class KeyBy, class F>
class ReduceOperator final : public Operator {
 public:
  using Key = typename KeyBy::Key;

  ReduceOperator(KeyBy key_of, F function)
      : input_(std::move(key_of)), function_(std::move(function)), table_(descriptor()) {}

  static StateDescriptor descriptor() {
    return {"reduced",          StateKind::kReducing, StateDistribution::kKeyed,
            schema_text<Key>(), schema_text<T>(),     &type_info<T>()};
  }

  void open(OperatorContext& host) override {
    host_ = &host;
    host.state().add(table_);
  }

  Progress prepare_batch(InputIndex, BatchView view) override {
    return preparation_.prepare(
        *host_, view.size(), [this] { return table_.is_evicting(); },
        [this, view] { input_.want(view, table_); });
  }
  void process_batch(InputIndex, BatchView view) override {
    if (!preparation_.take_prepared(view.size())) {
      preparation_.prepare_now(
          *host_, view.size(), [this] { return table_.is_evicting(); },
          [this, view] { input_.want(view, table_); });
    }
    output_.begin_input(&view.batch);
    const T* const rows = std::as_const(view.typed<T>()).rows().data();
    const EventTime* const times = view.batch.times().data();
    const std::uint32_t* const hashes = input_.hashes(view);
    for (std::size_t i = view.begin; i < view.end; ++i) {
      if (i + kAhead < view.end) {
        table_.prefetch(hashes[i + kAhead]);
        table_.prefetch_entry(hashes[i + kAhead / 2]);
      }
      table_.update(input_.key(rows[i]), hashes[i], [&](T& so_far, bool is_first) {
        so_far = is_first ? rows[i] : T(function_(so_far, rows[i]));
        output_.emit_at(so_far, times[i]);
      });
    }
  }

  std::span<OutputPort* const> outputs() override { return ports_; }

 private:
  static constexpr std::size_t kAhead = 16;

  KeyedInput<T, KeyBy> input_;
  F function_;
  KeyedTable<Key, T> table_;
  OperatorContext* host_ = nullptr;
  StatePreparation preparation_;
  Output<T> output_;
  OutputPort* ports_[1] = {&output_};
};

template <class T, class KeyBy, class F>
Transformation reduce_transformation(std::string id, const KeyBy& key_of, const F& function) {
  Transformation result{.id = std::move(id), .type = "reduce"};
  result.states.push_back(ReduceOperator<T, KeyBy, F>::descriptor());
  result.factory = [key_of, function] {
    return std::make_unique<ReduceOperator<T, KeyBy, F>>(key_of, function);
  };
  return result;
}

}  // namespace weir::detail
