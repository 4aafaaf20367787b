// SPDX-License-Identifier: Apache-2.0
// What from_source adds to the program: an enumerator and, behind it, the readers.
#pragma once

#include <weir/connector.h>
#include <weir/watermark_strategy.h>

#include <memory>
#include <string>
#include <utility>

#include "api/graph/stream_graph.h"
#include "api/operators/enumerator_operator.h"
#include "api/operators/source_reader_operator.h"

namespace weir::detail {

/// The enumerator of the source `id`, without its factory.
Transformation enumerator_transformation(const std::string& id);
/// The edge from an enumerator to its readers.
StreamInput split_input(TransformationIndex enumerator);
/// What is wrong with watermark rules, one sentence each.
std::vector<std::string> watermark_mistakes(const WatermarkRules& rules);

/// Adds a source to the graph; returns its readers.
template <class Source, class TimeOf>
TransformationIndex add_source(StreamGraph& graph, std::string id, const Source& source,
                               const WatermarkStrategy<typename Source::Row, TimeOf>& strategy) {
  using Reader = SourceReaderOperator<typename Source::Row, TimeOf>;
  Transformation enumerator = enumerator_transformation(id);
  enumerator.factory = [source] {
    return std::make_unique<EnumeratorOperator>(source.make_enumerator());
  };
  Transformation reader{.id = std::move(id), .type = "source"};
  reader.kind = OperatorKind::kSourceReader;
  reader.states = {Reader::descriptor()};
  if (strategy.rules().out_of_orderness.has_value()) reader.event_time = EventTimeUse::kProvided;
  reader.mistakes = source.validate();
  for (std::string& mistake : watermark_mistakes(strategy.rules())) {
    reader.mistakes.push_back(std::move(mistake));
  }
  reader.factory = [source, rules = strategy.rules(), time_of = strategy.time_of()] {
    return std::make_unique<Reader>(source.make_reader(), rules, time_of);
  };
  reader.inputs = {split_input(graph.add(std::move(enumerator)))};
  return graph.add(std::move(reader));
}

}  // namespace weir::detail
