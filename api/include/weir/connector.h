// SPDX-License-Identifier: Apache-2.0
// What `from_source` and `sink_to` take: plain structs of options that make readers and writers.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <vector>

#include "core/sink.h"
#include "core/source.h"
#include "core/state_table.h"

namespace weir {

/// A source's options. A struct with designated initialisers and these members:
///
///   using Row = ...;                                             the records it yields
///   std::vector<std::string> validate() const;                   mistakes, one sentence each
///   std::unique_ptr<SplitEnumerator> make_enumerator() const;
///   std::unique_ptr<SourceReader<Row>> make_reader() const;      called once per subtask
///
/// `validate` runs while the graph is built and may not touch the outside.
template <class S>
concept SourceDefinition = std::copy_constructible<S> && requires(const S& source) {
  typename S::Row;
  { source.validate() } -> std::convertible_to<std::vector<std::string>>;
  { source.make_enumerator() } -> std::convertible_to<std::unique_ptr<SplitEnumerator>>;
  { source.make_reader() } -> std::convertible_to<std::unique_ptr<SourceReader<typename S::Row>>>;
};

/// A sink's options for records of T. A struct with designated initialisers and these members:
///
///   std::vector<std::string> validate() const;                   mistakes, one sentence each
///   std::unique_ptr<SinkWriter<T>> make_writer() const;          called once per subtask
///   bool commits() const;                          optional: commits on completed checkpoints
///   std::vector<StateDescriptor> states() const;   optional: the states the writer registers
template <class S, class T>
concept SinkDefinition = std::copy_constructible<S> && requires(const S& sink) {
  { sink.validate() } -> std::convertible_to<std::vector<std::string>>;
  { sink.make_writer() } -> std::convertible_to<std::unique_ptr<SinkWriter<T>>>;
};

}  // namespace weir
