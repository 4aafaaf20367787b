// SPDX-License-Identifier: Apache-2.0
// The hash by which a worker proves that it runs the graph that was submitted.
#include "core/job_graph.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace weir {
namespace {

void put_state(ByteWriter& out, const StateDescriptor& state) {
  out.put_string(state.name);
  out.put_u8(static_cast<std::uint8_t>(state.kind));
  out.put_u8(static_cast<std::uint8_t>(state.distribution));
  out.put_string(state.key_schema);
  out.put_string(state.value_schema);
}

void put_operator(ByteWriter& out, const OperatorSpec& spec) {
  out.put_string(spec.id.value());
  out.put_string(spec.name);
  out.put_u8(static_cast<std::uint8_t>(spec.kind));
  out.put_varint64(spec.steps.size());
  for (const std::string& step : spec.steps)
    out.put_string(step);
  out.put_varint64(spec.states.size());
  for (const StateDescriptor& state : spec.states)
    put_state(out, state);
  out.put_u8(spec.commits ? 1 : 0);
  out.put_u8(spec.chained_after ? 1 : 0);
  out.put_varint32(spec.chained_after.value_or(0));
  out.put_varint32(spec.chained_output.value());
}

}  // namespace

// Left out on purpose: why two operators are not chained (for people), and how checkpoints and
// restarts are done (the JobManager alone acts on them).
std::uint64_t graph_hash(const JobGraph& graph) {
  ByteWriter out;
  out.put_string(graph.name);
  out.put_varint64(graph.vertices.size());
  for (const JobVertex& vertex : graph.vertices) {
    out.put_varint32(vertex.id.value());
    out.put_string(vertex.name);
    out.put_varint32(vertex.parallelism.value());
    out.put_varint32(vertex.max_parallelism.value());
    out.put_string(vertex.slot_sharing_group);
    out.put_varint64(vertex.operators.size());
    for (const OperatorSpec& spec : vertex.operators)
      put_operator(out, spec);
  }
  out.put_varint64(graph.edges.size());
  for (const JobEdge& edge : graph.edges) {
    out.put_varint32(edge.from.value());
    out.put_varint32(edge.from_operator);
    out.put_varint32(edge.output.value());
    out.put_varint32(edge.to.value());
    out.put_varint32(edge.input.value());
    out.put_u8(static_cast<std::uint8_t>(edge.partitioning));
  }
  return xxh3_64(out.view());
}

}  // namespace weir
